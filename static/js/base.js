// What every page has: script is here (.js on <html>), copy buttons, relative times, forms that say
// what they wait for, the time zone of the browser, select-all boxes. Modules do not import one
// another; they meet on document events ("watchbell:refreshed", "watchbell:say").

document.documentElement.classList.add("js");

// ---- one polite line for screen readers and eyes ----
document.addEventListener("watchbell:say", (event) => {
  const line = document.querySelector("[data-live-line]");
  if (line && line.textContent !== event.detail) line.textContent = event.detail;
});
const say = (text) => document.dispatchEvent(new CustomEvent("watchbell:say", { detail: text }));

// ---- copy ----
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source ? (source.value ?? source.textContent) : button.dataset.copyText;
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text.trim());
  } catch {
    if (source?.select) source.select();
    return;
  }
  const before = button.dataset.label ?? (button.dataset.label = button.textContent);
  button.textContent = "Copied";
  say("Copied");
  setTimeout(() => { button.textContent = before; }, 2000);
});

// ---- relative times, only beside live things and only up to 24 h ----
const units = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
};
const skew = (() => {
  const server = Date.parse(document.documentElement.dataset.now ?? "");
  return Number.isNaN(server) ? 0 : server - Date.now();
})();
const tick = () => {
  if (document.hidden) return;
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const seconds = Math.round((now - Date.parse(time.dateTime)) / 1000);
    if (Number.isNaN(seconds) || Math.abs(seconds) >= 86400) continue;
    let text;
    if (time.dataset.relative === "for") text = units(Math.max(seconds, 0));
    else if (time.dataset.relative === "next") text = seconds >= 0 ? "now" : `in ${units(-seconds)}`;
    else text = seconds < 1 ? "now" : `${units(seconds)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
document.addEventListener("watchbell:refreshed", tick);
tick();

// ---- forms ----
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent && form.method === "post") { event.preventDefault(); return; }
  if (form.method !== "post") return;
  form.dataset.sent = "yes";
  const text = form.dataset.waiting ?? event.submitter?.dataset.waiting;
  if (text) {
    setTimeout(() => {
      const line = form.querySelector("[data-waiting-line]");
      if (line) line.textContent = text;
      say(text);
    }, 400);
  }
});
// A page taken back from the browser's memory may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
document.querySelector(".field.bad input, .field.bad select, .field.bad textarea")?.focus();
for (const field of document.querySelectorAll("[data-timezone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

// ---- several lines: the one-line field of a form becomes a text area when lines are pasted ----
document.addEventListener("paste", (event) => {
  const field = event.target.closest?.("input[data-lines]");
  const text = event.clipboardData?.getData("text") ?? "";
  if (!field || !/\S\s*\n\s*\S/.test(text)) return;
  event.preventDefault();
  const area = document.createElement("textarea");
  for (const { name, value } of field.attributes) if (name !== "type" && name !== "value") area.setAttribute(name, value);
  area.value = (field.value.trim() ? `${field.value.trim()}\n` : "") + text.trim();
  area.rows = Math.min(12, area.value.split("\n").length + 1);
  field.replaceWith(area);
  area.focus();
});

// ---- forms of many kinds: choosing another shows its fields in place, and what is typed stays ----
const chooseKind = (link) => {
  const kind = link.dataset.kind;
  for (const other of document.querySelectorAll("[data-kind]")) {
    if (other === link) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  for (const part of document.querySelectorAll("[data-kinds]")) {
    part.hidden = !part.dataset.kinds.split(" ").includes(kind);
  }
  document.getElementById("kind").value = kind;
  const target = document.getElementById("target");
  target.placeholder = link.dataset.example;
  history.replaceState(history.state, "", link.href);
  const first = kind === "heartbeat" ? document.getElementById("period_seconds") : target;
  first?.focus({ preventScroll: true });
  say(`${link.querySelector("strong").textContent}: ${link.querySelector("span").textContent}`);
};
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-kind-choice] [data-kind]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  chooseKind(link);
});

// ---- lists: select all, and what is selected ----
const counted = (list) => {
  const boxes = [...list.querySelectorAll('input[name="id"]')];
  const chosen = boxes.filter((box) => box.checked).length;
  const all = list.querySelector("[data-select-all]");
  if (all) {
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  for (const bar of list.querySelectorAll("[data-bulk]")) bar.hidden = chosen === 0;
  for (const line of list.querySelectorAll("[data-chosen]")) line.textContent = `${chosen} selected`;
};
document.addEventListener("change", (event) => {
  const list = event.target.closest?.("[data-list]");
  if (!list) return;
  if (event.target.matches("[data-select-all]")) {
    for (const box of list.querySelectorAll('input[name="id"]')) box.checked = event.target.checked;
  }
  counted(list);
});
const countAll = () => { for (const list of document.querySelectorAll("[data-list]")) counted(list); };
document.addEventListener("watchbell:refreshed", countAll);
countAll();

// ---- menus close by Escape and by a click elsewhere ----
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.site-menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target.closest?.("details")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open], details.site-menu[open]");
  if (open) { open.open = false; open.querySelector("summary")?.focus(); }
});

// ---- printing opens all evidence ----
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("main details:not(.menu)")) part.open = true;
});
