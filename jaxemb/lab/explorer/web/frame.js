// The frame of the page: tabs, and dark or light.
import { h, fill, byId, renewColours } from "./dom.js";

export const VIEWS = {
  words: "Words",
  algebra: "Linear algebra",
  ladder: "Ladder",
  training: "Training",
};

/** The tabs of the views, which arrow keys walk through. */
export function buildTabs({ store: state }) {
  const names = Object.keys(VIEWS);
  fill(
    byId("tabs"),
    names.map((name) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${name}`,
          "aria-controls": `panel-${name}`,
          onclick: () => state.set({ view: name }),
          onkeydown: (event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (!step) return;
            const next = names[(names.indexOf(name) + step + names.length) % names.length];
            state.set({ view: next });
            byId(`tab-${next}`).focus();
          },
        },
        VIEWS[name],
      ),
    ),
  );
}

/** Show one view, and hide the others. */
export function showView(view) {
  document.querySelector("main").dataset.view = view;
  for (const name of Object.keys(VIEWS)) {
    byId(`panel-${name}`).hidden = name !== view;
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === view));
    byId(`tab-${name}`).tabIndex = name === view ? 0 : -1;
  }
}

/** Dark or light: what the system says, until the button is pressed. */
export function theme(changedTo) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let own = null;
  const apply = () => {
    document.documentElement.dataset.theme = own ?? (system.matches ? "dark" : "light");
    renewColours();
    changedTo();
  };
  system.addEventListener("change", apply);
  byId("theme").addEventListener("click", () => {
    own = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
  });
  apply();
}
