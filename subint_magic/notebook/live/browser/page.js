// Keeps the views of one kernel up to date in this page, and passes on clicks.
//
// A view is an element <subint-view hub="…" view="…"> in the output of a cell. The hub is the model
// that this script is given: it has no view of its own, so no output of a saved notebook misses it.
// One page may have several kernels, so several hubs.

const hubs = (globalThis.subintMagicHubs ??= new Map());

// Outputs come and go: a frontend draws them anew, or takes those out of the page that are not seen.
if (!customElements.get("subint-view"))
  customElements.define(
    "subint-view",
    class extends HTMLElement {
      connectedCallback() {
        hubs.get(this.getAttribute("hub"))?.attach(this);
      }
      disconnectedCallback() {
        hubs.get(this.getAttribute("hub"))?.detach(this);
      }
    },
  );

const PATIENCE = 3000; // milliseconds until a click was in vain
const KEPT = 50; // views whose last state is kept, should they be drawn anew
const SIGN_OF_LIFE = 20000; // milliseconds between two answers to a kernel that sends

class Hub {
  constructor(model) {
    this.model = model;
    this.name = `${Date.now()}-${Math.random()}`; // several pages may show one kernel
    this.count = 0;
    this.elements = new Set();
    this.inSight = new Set();
    this.said = 0; // when something was said last
    // Not in sight are views in a tab behind another, and what is scrolled away.
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!this.elements.has(target) || isIntersecting === this.inSight.has(target)) continue;
        if (!isIntersecting) this.inSight.delete(target);
        else {
          this.inSight.add(target);
          this.fresh.add(target.getAttribute("view"));
        }
        this.look();
      }
    });
    this.fresh = new Set(); // views that the kernel has not seen yet
    this.html = new Map(); // what the kernel said last of a view
    this.onClick = (event) => this.click(event);
    this.onPress = (event) => (this.pressed = this.buttonOf(event.target));
    this.onLift = (event) => this.lift(event);
    document.addEventListener("pointerdown", this.onPress, true);
    document.addEventListener("pointerup", this.onLift, true);
    this.onSight = () => this.look();
    this.onLeave = () => this.tell([]); // at once: nothing of this page runs later
    document.addEventListener("visibilitychange", this.onSight);
    window.addEventListener("pagehide", this.onLeave);
    this.clock = setInterval(() => this.tick(), 1000);
    this.onMessage = (message) => this.show(message.views);
    this.onLine = () => this.doubt();
    model.on("msg:custom", this.onMessage);
    model.on("comm_live_update", this.onLine);
  }

  close() {
    clearInterval(this.clock);
    clearTimeout(this.looking);
    document.removeEventListener("visibilitychange", this.onSight);
    window.removeEventListener("pagehide", this.onLeave);
    document.removeEventListener("pointerdown", this.onPress, true);
    document.removeEventListener("pointerup", this.onLift, true);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.onLine);
    this.observer.disconnect();
    for (const element of this.elements) this.release(element);
    this.tell([]);
  }

  // It is live once the kernel has answered, and not before. If it is one that was live until the
  // document has changed, nothing of that is to be seen.
  attach(element) {
    element.style.display = "block"; // so that it has a place to be in sight
    this.elements.add(element);
    this.observer.observe(element);
    element.addEventListener("click", this.onClick);
    const html = this.html.get(element.getAttribute("view"));
    if (html) this.draw(element, html);
  }

  detach(element) {
    this.elements.delete(element);
    this.inSight.delete(element);
    this.observer.unobserve(element);
    this.release(element);
    this.look();
  }

  release(element) {
    element.removeAttribute("live");
    element.removeEventListener("click", this.onClick);
  }

  // Tell the kernel what is looked at, once for all that changes now.
  look() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => {
      const hidden = document.visibilityState === "hidden";
      this.tell(hidden ? [] : [...this.inSight].map((it) => it.getAttribute("view")));
    });
  }

  tell(seen) {
    this.said = performance.now();
    this.send({ seen: [...new Set(seen)], fresh: [...this.fresh] });
    this.fresh.clear();
  }

  // The line to the kernel was lost, as in a restart, or is there again: ask whether it answers.
  doubt() {
    this.html.clear();
    for (const element of this.elements) element.removeAttribute("live");
    for (const element of this.inSight) this.fresh.add(element.getAttribute("view"));
    this.look();
  }

  show(views) {
    for (const [view, html] of Object.entries(views)) {
      this.html.delete(view); // so that the last one is the newest
      if (html !== null) this.html.set(view, html);
    }
    for (const old of [...this.html.keys()].slice(0, -KEPT)) this.html.delete(old);
    for (const element of this.elements) {
      const html = views[element.getAttribute("view")];
      if (html === null) this.release(element); // it stays as it is in the document
      else if (html !== undefined) this.draw(element, html);
    }
    if (performance.now() - this.said > SIGN_OF_LIFE) this.look();
  }

  draw(element, html) {
    element.setAttribute("live", "");
    const page = document.createElement("template");
    page.innerHTML = html;
    morph(element, page.content);
    start(element);
  }

  // What a button of ours is for; null if it is none.
  buttonOf(target) {
    const button = target?.closest?.("subint-view[live] button[data-action]");
    if (!button || !this.elements.has(button.closest("subint-view"))) return null;
    const { action, actor, run } = button.dataset;
    return { button, key: key(button), action, actor, run };
  }

  // The browser sees no click if the button was drawn anew while it was pressed: its own click comes
  // to nothing then, and this is the click.
  lift(event) {
    const pressed = this.pressed;
    this.pressed = null;
    const lifted = this.buttonOf(document.elementFromPoint(event.clientX, event.clientY));
    if (pressed && lifted && pressed.key === lifted.key && pressed.button !== lifted.button)
      lifted.button.click();
  }

  click(event) {
    const button = event.target.closest("button[data-action]");
    if (!button || button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true"); // until the kernel has answered
    const { action, actor, run } = button.dataset;
    const sent = this.send({ click: { action, actor, run } });
    setTimeout(
      () => {
        if (!button.getAttribute("aria-busy")) return;
        button.removeAttribute("aria-busy");
        button.title = "The kernel has not answered.";
      },
      sent ? PATIENCE : 0,
    );
  }

  send(content) {
    try {
      this.model.send({ page: this.name, count: ++this.count, ...content });
      return true;
    } catch {
      return false; // the kernel has gone
    }
  }

  tick() {
    for (const element of this.elements)
      for (const time of element.querySelectorAll(":scope[live] time[data-since]")) {
        const since = Number(time.dataset.since) + (performance.now() - time.begun) / 1000;
        if (time.begun !== undefined) time.textContent = elapsed(since);
      }
  }
}

// From now on the times in it pass.
function start(element) {
  for (const time of element.querySelectorAll("time[data-since]")) time.begun = performance.now();
}

// As `tables.elapsed` in Python.
function elapsed(seconds) {
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (!hours) return `${minutes}:${two(whole % 60)} min`;
  return `${hours}:${two(minutes)}:${two(whole % 60)} h`;
}

// Make the children of one node those of another. What is the same is kept, so that it keeps focus,
// hover and selection, also if it is in another place now. What is about another actor is never made
// of what was there: a click that has begun on one button must not end on another's.
function morph(old, fresh) {
  const wanted = new Set([...fresh.childNodes].map(key));
  const known = new Map();
  for (const node of [...old.childNodes])
    if (!wanted.has(key(node))) node.remove();
    else if (key(node)) known.set(key(node), node);
  let at = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    const was = key(node) ? known.get(key(node)) : at;
    if (!was || was.nodeName !== node.nodeName || key(was) !== key(node)) {
      old.insertBefore(node, at);
      continue;
    }
    if (was === at) at = at.nextSibling;
    else old.insertBefore(was, at);
    if (node.nodeType === Node.TEXT_NODE) {
      if (was.data !== node.data) was.data = node.data;
    } else {
      copyAttributes(was, node);
      morph(was, node);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function key(node) {
  const { action, actor, run, lane } = node.dataset ?? {};
  return [action, actor, run, lane].filter(Boolean).join();
}

function copyAttributes(old, fresh) {
  for (const { name } of [...(old.attributes ?? [])])
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes ?? [])
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

export default {
  initialize({ model }) {
    let hub = null;
    // The hub has its name once the kernel listens.
    const begin = () => {
      const name = model.get("hub");
      if (hub || !name) return;
      hub = new Hub(model);
      hubs.set(name, hub);
      for (const element of document.querySelectorAll(`subint-view[hub="${name}"]`))
        hub.attach(element);
    };
    model.on("change:hub", begin);
    begin();
    return () => {
      model.off("change:hub", begin);
      hub?.close();
      if (hubs.get(model.get("hub")) === hub) hubs.delete(model.get("hub"));
    };
  },
};
