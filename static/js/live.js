// Keeps a page fresh: one event stream per browser. The tab that holds the lock has the stream and
// tells the others over a channel; each tab fetches what it shows and puts the new parts in place.
//
// A page takes part by <main data-live-topics="monitor:mon_… incident:* …" data-watch="mon_… mon_…">.
// Parts that may change carry an id and data-live. Without script the page is simply as fresh as its
// last load.

const main = document.querySelector("main[data-live-topics]");

if (main && "EventSource" in window) {
  const SILENCE = 20_000;
  const topics = () => (document.querySelector("main")?.dataset.liveTopics ?? "").split(" ").filter(Boolean);
  const watched = () => (document.querySelector("main")?.dataset.watch ?? "").split(" ").filter(Boolean);
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("watchbell-live") : null;
  const me = Math.random().toString(36).slice(2);
  let heard = Date.now();
  let late = 0;

  // ---- what a tab does with news ----
  const matches = (kind, id) => topics().some((topic) => topic === `${kind}:*` || topic === `${kind}:${id}`);

  const take = (news) => {
    heard = Date.now();
    if (news.type === "beat") late = news.late ?? 0;
    if (news.type === "rescan") refresh();
    if (news.type === "change" && matches(news.kind, news.id)) refresh();
    if (news.type === "looks" && news.ids.some((id) => watched().includes(id))) refresh();
    if (news.type === "signed_out") location.reload();
    band();
  };

  // ---- fetch the page anew and replace what differs; at most once a second ----
  let running = false;
  let again = false;
  let last = 0;
  const refresh = () => {
    if (document.hidden) { again = true; return; }
    if (running) { again = true; return; }
    running = true;
    setTimeout(async () => {
      last = Date.now();
      again = false;
      try {
        const response = await fetch(location.href, { headers: { accept: "text/html", "x-watchbell-refresh": "1" } });
        if (response.redirected && new URL(response.url).pathname !== location.pathname) { location.assign(response.url); return; }
        if (response.ok) replace(new DOMParser().parseFromString(await response.text(), "text/html"));
      } catch {
        // The band says that we are not live; the next news tries again.
      } finally {
        running = false;
        if (again) refresh();
      }
    }, Math.max(0, last + 1000 - Date.now()));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) refresh(); });

  const plain = (element) => {
    const copy = element.cloneNode(true);
    for (const time of copy.querySelectorAll("time[data-relative]")) time.textContent = "";
    return copy.outerHTML;
  };

  const busy = (element) => {
    const active = document.activeElement;
    return element.contains(active) && active.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  };

  const replace = (fresh) => {
    document.title = fresh.title;
    const icon = document.querySelector("link[rel=icon]");
    const freshIcon = fresh.querySelector("link[rel=icon]");
    if (icon && freshIcon && icon.href !== freshIcon.href) icon.href = freshIcon.href;
    const freshMain = fresh.querySelector("main");
    if (freshMain) {
      document.querySelector("main").dataset.watch = freshMain.dataset.watch ?? "";
      announceWatch();
    }
    for (const next of fresh.querySelectorAll("[data-live][id]")) {
      if (next.parentElement?.closest("[data-live]")) continue;
      const now = document.getElementById(next.id);
      if (!now || plain(now) === plain(next) || busy(now)) continue;
      swap(now, document.adoptNode(next));
    }
    const said = fresh.querySelector("[data-announce]")?.textContent.trim().replace(/\s+/g, " ");
    if (said && said !== spoken) {
      if (spoken !== null) document.dispatchEvent(new CustomEvent("watchbell:say", { detail: said }));
      spoken = said;
    }
    document.dispatchEvent(new CustomEvent("watchbell:refreshed"));
  };
  let spoken = document.querySelector("[data-announce]")?.textContent.trim().replace(/\s+/g, " ") ?? null;

  // Focus, ticks and opened details outlive the swap; values that differ get a faint tint.
  const swap = (now, next) => {
    const focus = now.contains(document.activeElement) ? path(now, document.activeElement) : null;
    const ticked = new Set([...now.querySelectorAll("input:checked")].map((box) => `${box.name}=${box.value}`));
    const open = new Set([...now.querySelectorAll("details[open][id]")].map((part) => part.id));
    const values = new Map([...now.querySelectorAll("[data-value]")].map((cell) => [cell.dataset.value, plain(cell)]));
    now.replaceWith(next);
    for (const box of next.querySelectorAll("input[type=checkbox], input[type=radio]")) {
      if (ticked.has(`${box.name}=${box.value}`)) box.checked = true;
    }
    for (const part of next.querySelectorAll("details[id]")) if (open.has(part.id)) part.open = true;
    for (const cell of next.querySelectorAll("[data-value]")) {
      const before = values.get(cell.dataset.value);
      if (before !== undefined && before !== plain(cell)) cell.classList.add("tint");
    }
    if (focus) next.querySelector(focus)?.focus({ preventScroll: true });
  };

  const path = (root, element) => {
    if (element.id) return `#${CSS.escape(element.id)}`;
    if (element.getAttribute("href")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
    if (element.name) return `[name="${CSS.escape(element.name)}"][value="${CSS.escape(element.value ?? "")}"]`;
    return null;
  };

  // ---- the band: not live, or looks late ----
  const band = () => {
    const line = document.getElementById("live-band");
    if (!line) return;
    const stale = Date.now() - heard > SILENCE;
    let text = "";
    if (stale) {
      const since = new Date(heard).toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.zone || undefined });
      text = `Not live since ${since}. Reconnecting.`;
    } else if (late >= 10) {
      text = `Our looks are ${late < 120 ? `${late} s` : `${Math.floor(late / 60)} min`} late.`;
    }
    if (line.firstElementChild.textContent !== text) line.firstElementChild.textContent = text;
    line.hidden = text === "";
  };
  setInterval(band, 1000);

  // ---- the leader: has the stream, knows what all tabs show ----
  const shown = new Map();
  const announceWatch = () => {
    const ids = watched();
    shown.set(me, { ids, at: Date.now() });
    channel?.postMessage({ type: "watching", from: me, ids });
    reopenSoon();
  };
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.type === "watching") { shown.set(data.from, { ids: data.ids, at: Date.now() }); reopenSoon(); }
      else if (data.type === "gone") { shown.delete(data.from); }
      else if (data.type === "who") channel.postMessage({ type: "watching", from: me, ids: watched() });
      else take(data);
    };
    addEventListener("pagehide", () => channel.postMessage({ type: "gone", from: me }));
  }

  let source = null;
  let opened = null;
  let timer = 0;
  let leading = false;
  const wanted = () => [...new Set([...shown.values()].flatMap((tab) => tab.ids))].sort().slice(0, 200).join(",");
  const reopenSoon = () => {
    if (!leading || wanted() === opened) return;
    clearTimeout(timer);
    timer = setTimeout(connect, 300);
  };

  const connect = () => {
    source?.close();
    opened = wanted();
    source = new EventSource(`/events?watch=${encodeURIComponent(opened)}`);
    const pass = (news) => { take(news); channel?.postMessage(news); };
    const on = (type) => source.addEventListener(type, (event) => {
      try { pass({ type, ...JSON.parse(event.data || "{}") }); } catch { /* not ours */ }
    });
    for (const type of ["beat", "change", "looks", "rescan", "signed_out"]) on(type);
  };
  // A stream that the network has let go of without a word is opened anew.
  setInterval(() => {
    if (leading && (Date.now() - heard > SILENCE || source?.readyState === EventSource.CLOSED)) connect();
  }, 5000);

  const lead = () => {
    leading = true;
    channel?.postMessage({ type: "who" });
    setTimeout(connect, 100);
  };
  shown.set(me, { ids: watched(), at: Date.now() });
  if (navigator.locks && channel) {
    navigator.locks.request("watchbell-live", () => { lead(); return new Promise(() => {}); });
    announceWatch();
  } else {
    lead();
  }
}
