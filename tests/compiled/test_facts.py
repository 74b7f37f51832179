"""What is counted in a compiled program's text. Oracles: arithmetic on small texts and programs."""

import jax
import jax.numpy as jnp
import pytest
from benchmarks import compiled as command
from benchmarks.ahead import chip as chips, facts, hlo, machine_code, traffic

from jaxemb.errors import InputError

ROWS, DIM, READ = 1000, 128, 24
TABLE, UPDATES, IDS = f"f32[{ROWS},{DIM}]{{1,0}}", f"f32[{READ},{DIM}]{{1,0}}", f"s32[{READ}]{{0}}"
CYCLES = 'backend_config={"estimated_cycles":'
# a loop of unknown length, which adds rows to a table in place and copies another one
TEXT = f"""HloModule jit_steps, is_scheduled=true

%added (param_0: f32[1000,128], param_1: s32[24], param_2: f32[24,128]) -> f32[1000,128] {{
  %param_0 = {TABLE} parameter(0)
  %param_1 = {IDS} parameter(1)
  %param_2 = {UPDATES} parameter(2)
  ROOT %scatter.1 = {TABLE} scatter(%param_0, %param_1, %param_2), to_apply=%sum
}}

%read (param_0.1: f32[1000,128], param_1.1: s32[24]) -> f32[24,128] {{
  %param_1.1 = {IDS} parameter(1)
  %param_0.1 = {TABLE} parameter(0)
  %bitcast.1 = {TABLE} bitcast(%param_0.1)
  ROOT %gather.1 = {UPDATES} gather(%bitcast.1, %param_1.1), offset_dims={{1}}
}}

%body (state: (s32[], f32[1000,128], s32[24])) -> (s32[], f32[1000,128], s32[24]) {{
  %state = (s32[], {TABLE}, {IDS}) parameter(0)
  %table = {TABLE} get-tuple-element(%state), index=1
  %ids = {IDS} get-tuple-element(%state), index=2
  %rows = {UPDATES} fusion(%table, %ids), calls=%read, {CYCLES}"70"}}
  %moved = {TABLE} fusion(%table, %ids, %rows), calls=%added, {CYCLES}"30"}}
  %copy.1 = {TABLE} copy(%moved), {CYCLES}"9223372036854775807"}}
  ROOT %next = (s32[], {TABLE}, {IDS}) tuple(%state, %copy.1, %ids)
}}

%test (state.1: (s32[], f32[1000,128], s32[24])) -> pred[] {{
  %state.1 = (s32[], {TABLE}, {IDS}) parameter(0)
  ROOT %less = pred[] compare(%state.1, %state.1), direction=LT
}}

ENTRY %main (table.1: f32[1000,128], ids.1: s32[24]) -> f32[1000,128] {{
  %table.1 = {TABLE} parameter(0)
  %ids.1 = {IDS} parameter(1)
  %sorted = {IDS} sort(%ids.1), dimensions={{0}}, to_apply=%less
  %turned = f32[{DIM},{ROWS}]{{1,0}} transpose(%table.1), dimensions={{1,0}}
  %begin = (s32[], {TABLE}, {IDS}) tuple(%ids.1, %table.1, %sorted)
  %while.1 = (s32[], {TABLE}, {IDS}) while(%begin), condition=%test, body=%body
  %call.1 = {TABLE} custom-call(%while.1), custom_call_target="other$thing"
  ROOT %result = {TABLE} get-tuple-element(%while.1), index=1
}}
"""


def _counted(text: str = TEXT, platform: str = "tpu"):
    return facts.of(text, platform, (ROWS, DIM))


def test_copies_of_a_table_are_told_apart_by_the_loop_they_are_in():
    own = _counted()
    assert (own["copies outside"], own["copies inside"]) == (1, 1)
    assert facts.of(TEXT, "tpu", (ROWS, 64))["copies inside"] == 0


def test_a_copy_in_slices_is_a_copy():
    joined = TEXT.replace("copy(%moved)", 'custom-call(%moved), custom_call_target="ConcatBitcast"')
    assert _counted(joined)["copies inside"] == 1


def test_rows_are_read_or_added_and_tables_are_not():
    module = hlo.parse(TEXT)
    rows, table, ids = 4 * READ * DIM, 4 * ROWS * DIM, 4 * READ
    kernels = {k.name: traffic.of_kernel(module, "body", k) for k in hlo.kernels(module, "body")}
    # read and written; updates read, rows of the table read and written; all read and written
    assert kernels == {"rows": 2 * rows + ids, "moved": 3 * rows + ids, "copy.1": 2 * table}
    assert _counted()["bytes a step"] == sum(kernels.values())


def test_what_lies_on_the_chip_costs_nothing_and_padding_costs():
    on_chip = hlo.arrays("f32[8,100]{1,0:T(8,128)S(1)}")[0]
    beside, turned = hlo.arrays("(f32[9,100]{1,0:T(8,128)}, bf16[9,100]{0,1:T(8,128)(2,1)})")
    assert on_chip.on_chip
    assert not beside.on_chip
    assert beside.bytes == 4 * 16 * 128
    assert turned.bytes == 2 * 128 * 104
    moved = TEXT.replace(f"{TABLE} copy", "f32[1000,128]{1,0:T(8,128)S(1)} copy")
    assert _counted()["bytes a step"] - _counted(moved)["bytes a step"] == 4 * ROWS * DIM


@pytest.mark.parametrize("opcode", ["copy-start", "slice-start"])
def test_a_copy_to_the_chip_reads_what_it_moves_and_no_more(opcode):
    module = hlo.parse(
        "%body (p: f32[1000,128]) -> f32[250,128] {\n"
        "  %p = f32[1000,128]{1,0} parameter(0)\n"
        f"  %s = (f32[1000,128]{{1,0}}, f32[250,128]{{1,0:T(8,128)S(1)}}, s32[]) {opcode}(%p)\n"
        "}\n"
    )
    assert traffic.of(module, "body") == 4 * 256 * 128


def test_cycles_are_summed_and_unknown_ones_left_out():
    assert _counted()["loops"] == [{"trips": None, "kernels": 3, "cycles": 100}]


def test_sorts_custom_calls_and_wide_numbers_are_counted():
    own = _counted(TEXT.replace("%sorted = s32", "%wide = f64[3]{0} negate(%x)\n  %sorted = s32"))
    assert (own["sorts"], own["float64"]) == (0, 1)  # of the loop
    assert facts.sorts(hlo.parse(TEXT)) == 1
    assert own["custom calls"] == {"other$thing": 1}


def test_a_collective_that_goes_on_beside_other_work_is_one():
    gathered = (
        "  %p = f32[8]{{0}} parameter(0)\n"
        "  %g{0} = f32[32]{{0}} all-gather(%p), channel_id=1, replica_groups={{{{0,1,2,3}}}}\n"
        '  ROOT %c = f32[32]{{0}} custom-call(%g{0}), custom_call_target="{1}"\n}}\n\n'
    )
    heads = ("%begin", "%async_collective_fusion.7", "%end")
    targets = ("AsyncCollectiveStart", "other", "AsyncCollectiveDone")
    text = "".join(
        f"{head} (p: f32[8]) -> f32[32] {{\n{gathered.format(i, target)}"
        for i, (head, target) in enumerate(zip(heads, targets, strict=True))
    )
    assert facts.exchanged(text) == [["all-gather", 4 * 32]]


def test_a_product_has_the_type_that_its_precision_means_on_the_platform():
    def typed(platform: str, attributes: str = "", kind: str = "f32") -> dict[str, int]:
        """Of a product [8, 4] x [4, 8]."""
        text = (
            "ENTRY %main (p: f32[8,4]) -> f32[8,8] {\n"
            f"  %p = {kind}[8,4]{{1,0}} parameter(0)\n"
            "  ROOT %d = f32[8,8]{1,0} dot(%p, %p), lhs_contracting_dims={1}, "
            f"rhs_contracting_dims={{1}}{attributes}\n}}\n"
        )
        module = hlo.parse(text)
        assert facts.flops(module) == 2 * 8 * 8 * 4
        return facts.products(module, platform)

    highest = ", operand_precision={highest,highest}"
    assert typed("tpu") == typed("tpu", highest, "bf16") == {"bf16": 1}
    assert typed("cuda") == {"TF32": 1}
    assert typed("tpu", highest) == typed("cuda", highest) == {"float32": 1}
    assert typed("cuda", kind="s32") == {}


def test_a_librarys_product_is_one():
    text = (
        "ENTRY %main (p: f32[8,4]) -> f32[8,8] {\n"
        "  %p = f32[8,4]{1,0} parameter(0)\n"
        "  ROOT %d = (f32[8,8]{1,0}, s8[9]{0}) custom-call(%p, %p), "
        'custom_call_target="__cublas$lt$matmul", backend_config={"gemm_backend_config":{'
        '"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"]},"precision_config":{"operand_precision":["HIGHEST",'
        '"HIGHEST"]}}}\n}\n'
    )
    module = hlo.parse(text)
    assert facts.flops(module) == 2 * 8 * 8 * 4
    assert facts.products(module, "cuda") == {"float32": 1}
    assert facts.custom_calls(module) == {"__cublas$lt$matmul": 1}


def test_atomic_writes_are_sorted_by_how_they_collide():
    code = """
    atom.global.cas.b32 %r1, [%rd1], %r2, %r3;
    red.global.add.f32 [%rd1], %f1;
    atom.global.v4.f32.add {%f1, %f2}, [%rd1], {%f3, %f4};
    atom.shared.cas.b32 %r1, [%rd1], %r2, %r3;
    """
    assert machine_code.atomics(code) == {"compare-and-swap": 1, "single": 1, "vector": 1}
    assert machine_code.atomics("ld.global.f32 %f1, [%rd1];") == {}


@pytest.mark.as_users_compile
@pytest.mark.parametrize("turns", [3, 7])
def test_a_program_of_this_machine_is_read_as_it_is(turns):
    def run(x, w):
        return jax.lax.fori_loop(0, turns, lambda _, y: jnp.sin(y @ w), x)

    x, w = jnp.ones((16, 32)), jnp.ones((32, 32))
    module = hlo.parse(jax.jit(run).lower(x, w).compile().as_text())
    assert [loop.trips for loop in hlo.loops(module)] == [turns]
    assert facts.flops(module) == 2 * 16 * 32 * 32


@pytest.mark.parametrize("name", chips.names())
def test_a_chip_is_one_file(name):
    chip = chips.read(name)
    assert chip.platform in ("tpu", "cuda")
    assert chip.rates["memory"] > 1e11
    assert bool(chip.target) == (chip.platform == "cuda")


def test_a_description_is_written_as_protocol_buffers_text():
    fields = {"name": "H", "cores": 3, "at": {"major": 9}}
    assert chips.textproto(fields) == 'name: "H"\ncores: 3\nat { major: 9 }'


def test_an_unknown_chip_and_an_unknown_program_are_errors_that_list_what_there_is():
    with pytest.raises(InputError, match=r"'h100'; wanted one of .*h200.*v5e"):
        chips.read("h100")
    with pytest.raises(InputError, match=r"no program matches:\n.*static/skip-gram 100"):
        command._chosen(command.Settings(only="nothing of that name"))
    with pytest.raises(InputError, match="no regular expression"):
        command._chosen(command.Settings(only="("))


def test_without_a_compiler_the_command_says_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXEMB_COMPILERS", str(tmp_path))
    with pytest.raises(InputError, match=r"no compiler for tpu in .*--install.*libtpu=="):
        command.main(["--targets", "v5e"])


def test_a_row_is_shown_with_its_units():
    row = {
        "program": "p", "target": "h200", "seconds": 7.2, "flops": None,
        "product flops": 2e6, "bytes a step": 5e6, "tokens": 500,
        "temporary bytes": 3e6, "copies outside": 4, "copies inside": 0,
        "tables on chip": True, "sorts": 1, "atomics": {"vector": 2}, "inner loops": 0,
        "loops": [{"trips": 64, "kernels": 18}], "products": {"TF32": 3},
        "collectives": [["all-gather", 4000]], "custom calls": {},
    }  # fmt: skip
    # 500 words move 5 MB; 4.8 TB/s
    assert list(command.shown(row).values()) == [
        "p", "7", "2.0", "5.0", "10.0", "480 by memory", "3.0", "4 + 0 (on chip)", "1",
        "2 vector", "18", "64", "0", "3 TF32", "4 in 1", "-",
    ]  # fmt: skip
