"""The site: `python -m sphinx -W docs build/site`. CONTRIBUTING.md, "The site", says the rest."""

import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]
os.environ.setdefault("JAX_PLATFORMS", "cpu")

_project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
project, author, release = "jaxemb", "The jaxemb authors", _project["version"]
copyright = author
exclude_patterns = ["_ext", "_kept", "_static", "generated/fields.md"]  # the last is included

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "site_pages",  # docs/_ext
]
# Markdown
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]  # of what a signature abbreviates

# notebooks: their outputs are kept in _kept, and what has none is executed
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS.parent / "build" / "jupyter_cache")
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_merge_streams = True

# the reference
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
default_role = "code"
napoleon_custom_sections = [("Source", "returns_style"), ("Warns", "returns_style")]
napoleon_use_rtype = False

# nothing comes from a network
html_theme = "sphinx_book_theme"
html_title = "jaxemb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "home_page_in_toc": False,
    "navbar_persistent": [],  # the search stands in the side bar
}
