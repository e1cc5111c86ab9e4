// Everything works without this file. It adds: live numbers, relative times, copy buttons, keys for search and for the
// next and the previous row.
(() => {
  "use strict";
  const span = (s) => s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min"
    : s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " days";

  // Relative times go on while the page is open.
  const ages = () => {
    for (const element of document.querySelectorAll("[data-at]")) {
      const seconds = Math.floor((Date.now() - Number(element.dataset.at)) / 1000);
      element.textContent = seconds >= 0 ? span(seconds) + " ago" : "in " + span(-seconds);
    }
  };
  setInterval(ages, 10000);

  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; });
    });
  }

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) return event.preventDefault();
    event.target.dataset.sent = "1";
    setTimeout(() => { delete event.target.dataset.sent; }, 5000);
  });

  // Keys can be switched off on the page of one's account; the browser keeps that.
  const isOff = () => { try { return localStorage.getItem("keys") === "off"; } catch { return false; } };
  const keys = { "/": "input[type=search]", n: "a[rel=next]", p: "a[rel=prev]" };
  document.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    const target = document.querySelector(keys[event.key]);
    if (!target) return;
    event.preventDefault();
    if (target.href) target.click(); else target.focus();
  });
  const shortcuts = document.getElementById("shortcuts");
  if (shortcuts) {
    const button = shortcuts.querySelector("button");
    const say = () => { button.textContent = isOff() ? "Switch the keys on" : "Switch the keys off"; };
    button.addEventListener("click", () => {
      try { localStorage.setItem("keys", isOff() ? "on" : "off"); } catch { return; }
      say();
    });
    say();
    shortcuts.hidden = false;
  }

  // Live updates of a run, or of a connection test.
  const address = document.body.dataset.events;
  if (!address || !window.EventSource) {
    // Other pages that change by themselves say so with a refresh for browsers without script.
    const refresh = document.querySelector("noscript");
    const seconds = refresh && /content="(\d+)"/.exec(refresh.textContent);
    if (seconds) setTimeout(() => { if (!document.hidden) location.reload(); }, Math.max(2, Number(seconds[1])) * 1000);
    return;
  }
  let source = null, heard = Date.now(), said = 0, sentence = "", last = "";
  // What is read out, at most every ten seconds; the last of them is never left out.
  const say = (hasEnded) => {
    if (!sentence || (!hasEnded && Date.now() - said < 10000)) return;
    document.getElementById("live-said").textContent = sentence;
    [sentence, said] = ["", Date.now()];
  };
  const state = document.createElement("p");
  state.className = "note";
  const follow = () => {
    if (source || document.hidden) return;
    source = new EventSource(address);
    const take = (event) => {
      heard = Date.now();
      const update = JSON.parse(event.data);
      for (const [id, html] of Object.entries(update.parts)) {
        const place = document.getElementById(id);
        if (place && place.innerHTML !== html) place.innerHTML = html;
      }
      if (update.sentence !== last) sentence = last = update.sentence;
      say(update.ended);
      if (update.ended) source.close();
      if (update.reload) location.reload();
    };
    source.addEventListener("run", take);
    source.addEventListener("check", take);
  };
  const stop = () => { if (source) { source.close(); source = null; } };
  document.addEventListener("visibilitychange", () => { document.hidden ? stop() : follow(); });
  setInterval(() => {
    say(false);
    const seconds = Math.floor((Date.now() - heard) / 1000);
    state.textContent = seconds > 20 ? "Last heard " + span(seconds) + " ago." : "";
    const progress = document.getElementById("live-progress");
    if (progress && !state.isConnected) progress.after(state);
  }, 2000);
  follow();
})();
