// The outbox shows a new message the moment it would have gone out: the list is asked for anew every
// three seconds. What is open stays open; an empty outbox opens with its first message.

const list = () => document.querySelector("[data-outbox]");

if (list()) {
  const ids = (part) => [...part.querySelectorAll("[data-message]")].map((line) => line.dataset.message);
  const open = () => document.querySelector("[data-outbox] [aria-current]")?.dataset.message;

  const refresh = async () => {
    if (document.hidden) return;
    const now = open();
    const response = await fetch(now ? `/outbox?open=${now}` : "/outbox", { headers: { accept: "text/html" } });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-outbox]");
    const known = new Set(ids(list()));
    const added = fresh ? ids(fresh).filter((id) => !known.has(id)).length : 0;
    if (added === 0) return;
    if (!now) { location.reload(); return; }
    list().replaceWith(document.adoptNode(fresh));
    const text = added === 1 ? "1 new message" : `${added} new messages`;
    document.dispatchEvent(new CustomEvent("watchbell:say", { detail: text }));
  };
  // A failed try is made good by the next one.
  setInterval(() => refresh().catch(() => {}), 3000);
  document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
}
