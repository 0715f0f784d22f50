// Comfort for pages that work without it: menus, type-ahead, pictures, the evidence dialog.
"use strict";

const root = document.documentElement;

// --- Colours: as the system, light, dark.

const THEMES = ["", "light", "dark"];
const themeButton = document.querySelector(".theme");

function nameTheme() {
  const shown = root.dataset.theme || "as the system";
  themeButton.setAttribute("aria-label", `Colours: ${shown}`);
  themeButton.title = `Colours: ${shown}`;
}

if (themeButton) {
  nameTheme();
  themeButton.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Storage is closed: the choice ends with the page.
    }
    nameTheme();
  });
}

// --- What is folded on narrow screens.

function folds(button, box) {
  if (!button || !box) return;
  button.addEventListener("click", () => {
    const open = box.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}

folds(document.querySelector(".menu-button"), document.querySelector(".side"));
folds(document.querySelector(".filters .toggle"), document.querySelector(".filters"));

// --- Filters: type to find, arrows to move, Escape to leave.

for (const pick of document.querySelectorAll(".pick")) {
  const search = pick.querySelector("input[type=search]");
  const summary = pick.querySelector("summary");
  const boxes = [...pick.querySelectorAll("input[type=checkbox]")];
  const visible = () => boxes.filter((box) => !box.closest("li").hidden);
  const none = pick.querySelector("[data-none]");

  pick.addEventListener("toggle", () => {
    if (pick.open && search) search.focus();
  });
  pick.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && pick.open) {
      pick.open = false;
      summary.focus();
      event.preventDefault();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const at = visible().indexOf(document.activeElement);
    if (!boxes.length || (at < 0 && document.activeElement !== search)) return;
    const next = visible()[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) next.focus();
    else if (event.key === "ArrowUp" && search) search.focus();
    event.preventDefault();
  });
  if (none) {
    none.hidden = false;
    none.addEventListener("click", () => boxes.forEach((box) => (box.checked = false)));
  }
  if (!search) continue;
  // What is typed is no part of the address.
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const box of boxes) {
      const item = box.closest("li");
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
    }
    pick.querySelector(".nothing").hidden = visible().length > 0;
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    // Enter takes the first that is found, and applies it.
    const [first] = visible();
    if (search.value && first) first.checked = true;
  });
}

document.addEventListener("click", (event) => {
  for (const pick of document.querySelectorAll(".pick[open]")) {
    if (!pick.contains(event.target)) pick.open = false;
  }
});

// --- Pictures: Vega-Lite by interpretation, so that no script is made of text.

let drawing = Promise.resolve();
const compiled = new Map();

// Small pictures of many groups differ in their data alone: what the first was compiled to is
// taken for the others.
async function embed(place, spec, options) {
  const { data, description, ...shape } = spec;
  const key = JSON.stringify(shape);
  const known = data?.values && compiled.get(key);
  if (known) {
    const [source, ...rest] = known.data;
    const own = { ...known, description, data: [{ ...source, values: data.values }, ...rest] };
    return window.vegaEmbed(place, own, { ...options, mode: "vega" });
  }
  const drawn = await window.vegaEmbed(place, spec, options);
  if (drawn.vgSpec.data[0]?.values) compiled.set(key, drawn.vgSpec);
  return drawn;
}

async function draw(box) {
  const spec = JSON.parse(box.querySelector("script").textContent);
  const place = document.createElement("div");
  box.append(place);
  try {
    const drawn = await embed(place, spec, {
      actions: false,
      ast: true,
      renderer: "svg",
      defaultStyle: false,
      // The box has the words of the whole picture: words on each mark are noise and take time.
      config: { aria: false },
      tooltip: { disableDefaultStyle: true },
    });
    drawn.view.addEventListener("click", (_event, item) => {
      if (item?.datum?.evidence) show(item.datum.evidence);
    });
    for (const item of place.querySelectorAll("[role], [aria-label], [aria-roledescription]")) {
      item.removeAttribute("role");
      item.removeAttribute("aria-label");
      item.removeAttribute("aria-roledescription");
    }
  } finally {
    box.querySelector(".keep")?.remove();
    box.dataset.drawn = "";
  }
}

if (window.vegaEmbed) {
  for (const box of document.querySelectorAll("[data-chart]")) {
    drawing = drawing.then(() => draw(box));
  }
}

// --- Evidence: the page behind a figure, in a dialog.

const dialog = document.querySelector("#evidence");

async function show(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const inner = page.querySelector("[data-inner]");
  if (!answer.ok || !inner) {
    location.href = address;
    return;
  }
  for (const button of inner.querySelectorAll("[data-close]")) button.hidden = false;
  dialog.replaceChildren(inner);
  if (!dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-evidence], #evidence .pager a");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    show(link.href);
  }
  if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
});

// --- A newer copy: open pages notice.

const copy = document.body.dataset.copy;

if (copy) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/copy", { headers: { accept: "application/json" } });
      const now = answer.ok ? (await answer.json()).copy : copy;
      if (now === copy || document.querySelector(".pick[open], dialog[open]")) return;
      location.reload();
    } catch {
      // The server is away: the page keeps what it shows.
    }
  }, 30000);
}
