// Keys, when the page says data-keys (settings turn them off): / search, n new, g m, g i, g c, j k Enter in lists,
// a acknowledge, c check now, ? help.

if ("keys" in document.body.dataset) {
  const PLACES = { m: "/monitors", i: "/incidents", c: "/contacts" };
  const HELP = [
    ["/", "Search"], ["n", "New monitor"], ["g m", "Monitors"], ["g i", "Incidents"], ["g c", "Contacts"],
    ["j k", "Next and previous row"], ["Enter", "Open the row"], ["a", "Acknowledge"], ["c", "Check now"], ["?", "This help"],
  ];
  let pending = 0;

  const move = (step) => {
    const links = [...document.querySelectorAll("[data-row-link]")];
    if (links.length === 0) return;
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + step))].focus();
  };

  const help = () => {
    let dialog = document.getElementById("keys-help");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "keys-help";
      dialog.className = "help-dialog";
      dialog.setAttribute("aria-labelledby", "keys-title");
      const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keys" });
      const list = document.createElement("dl");
      list.className = "facts";
      for (const [keys, what] of HELP) {
        const term = document.createElement("dt");
        keys.split(" ").forEach((key, position) => {
          if (position) term.append(" ");
          term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
        });
        list.append(term, Object.assign(document.createElement("dd"), { textContent: what }));
      }
      const note = Object.assign(document.createElement("p"), { className: "help", textContent: "Keys can be turned off in settings." });
      const form = Object.assign(document.createElement("form"), { method: "dialog", className: "form-actions" });
      form.append(Object.assign(document.createElement("button"), { className: "button", textContent: "Close" }));
      dialog.append(title, list, note, form);
      document.body.append(dialog);
    }
    if (!dialog.open) dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]")) return;
    const key = event.key;
    if (Date.now() - pending < 1000) {
      pending = 0;
      if (PLACES[key]) { event.preventDefault(); location.assign(PLACES[key]); return; }
    }
    const press = (selector) => {
      const target = document.querySelector(selector);
      if (!target) return;
      event.preventDefault();
      target.focus();
      if (target.matches("a, button")) target.click(); else target.select?.();
    };
    if (key === "g") pending = Date.now();
    else if (key === "/") press("[data-key-search]");
    else if (key === "n") { event.preventDefault(); location.assign("/monitors/new"); }
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "a") press("[data-key-acknowledge]");
    else if (key === "c") press("[data-key-check]");
    else if (key === "?") { event.preventDefault(); help(); }
  });
}
