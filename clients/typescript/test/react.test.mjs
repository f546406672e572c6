// The React hooks, in a document, against a real server.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { JSDOM } from "jsdom";
import { again, client, closeAll, connected, eventually, must, people, register, start } from "./lib.mjs";

const dom = new JSDOM("<!doctype html><body></body>");
Object.assign(globalThis, { window: dom.window, document: dom.window.document });
globalThis.navigator ??= dom.window.navigator;
for (const name of ["addEventListener", "removeEventListener"]) globalThis[name] = dom.window[name].bind(dom.window);
const { createElement: h, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");
const hooks = await import("@parley/client/react");

const ENV = { PARLEY_RATE_LIMITS: "off" };
let server;
let ann;
let bob;
let channel;
let rooms = 0;
let root;
let page;

before(async () => {
  server = await start({ env: ENV });
  ({ ann, bob } = await people(server.url, "ann", "bob"));
});
after(async () => {
  await server.stop();
  dom.window.close();
});

beforeEach(async () => {
  channel = (await must(server.url, "channel.create", { name: `react-${++rooms}` }, ann.token)).channel.id;
  await must(server.url, "channel.join", { channel }, bob.token);
  page = document.body.appendChild(document.createElement("main"));
});
afterEach(() => {
  root?.unmount();
  page.remove();
  closeAll();
});

const heard = [];

function Room() {
  const { messages, pending, more, error, loadOlder, send } = hooks.useMessages(channel);
  const { users } = hooks.useChatState();
  const typing = hooks.useTyping(channel);
  hooks.useEvent("message.updated", ({ message }) => heard.push(message.text));
  const line = (m) => h("li", { key: m.id }, `${users[m.author]?.name ?? "?"}: ${m.text}`);
  return h(
    "section",
    null,
    h("ol", null, messages?.map(line)),
    h("ul", null, pending.map((p) => h("li", { key: p.client_msg_id }, p.failed === undefined ? p.text : `failed ${p.text}`))),
    h("em", null, typing.map((u) => u.name).join()),
    h("b", null, error?.type ?? ""),
    more && h("button", { id: "older", onClick: () => void loadOlder() }, "older"),
    h("button", { id: "send", onClick: () => send("from React") }, "send"),
  );
}

function App() {
  const status = hooks.useStatus();
  const session = hooks.useSession();
  const { channels } = hooks.useChannels();
  const unread = channels.find((c) => c.view.id === channel)?.view.unread;
  return h("div", null, h("h1", null, `${session?.user.name ?? "nobody"} ${status.kind} ${unread ?? "-"}`), session && h(Room));
}

function render(parley) {
  root = createRoot(page);
  root.render(h(StrictMode, null, h(hooks.ParleyProvider, { parley }, h(App))));
}

const shown = (selector) => [...page.querySelectorAll(selector)].map((element) => element.textContent);
const shows = (what, selector, wanted) =>
  eventually(what, () => JSON.stringify(shown(selector)) === JSON.stringify(wanted)).catch((error) => {
    assert.deepEqual(shown(selector), wanted, error.message);
  });
const say = (text) => must(server.url, "message.send", { channel, text }, bob.token);

async function rendered() {
  const parley = client(server, ann);
  render(parley);
  await eventually("the first rendering", () => page.querySelector("h1") !== null);
  assert.deepEqual(shown("h1"), ["nobody idle -"]);
  await parley.start();
  return parley;
}

test("messages that are there, that come, and that are sent", async () => {
  await say("first");
  await rendered();
  await shows("the session", "h1", ["ann online 1"]);
  await shows("the first message", "ol li", ["bob: first"]);
  await say("second");
  await shows("the second message, counted", "ol li", ["bob: first", "bob: second"]);
  await shows("the count", "h1", ["ann online 2"]);
  page.querySelector("#send").click();
  await shows("one's own", "ol li", ["bob: first", "bob: second", "ann: from React"]);
  await shows("nothing pending", "ul li", []);
});

test("older messages are fetched when they are asked for", async () => {
  const texts = Array.from({ length: 70 }, (_, i) => `m${i}`);
  for (const text of texts) await say(text);
  await rendered();
  await shows("the newest", "ol li", texts.slice(10).map((t) => `bob: ${t}`));
  page.querySelector("#older").click();
  await shows("all", "ol li", texts.map((t) => `bob: ${t}`));
  assert.deepEqual(shown("#older"), []);
});

test("what others do shows: typing, events, people who are new", async () => {
  await rendered();
  const bobs = await connected(server, bob);
  await eventually("the room", () => page.querySelector("section") !== null);
  await bobs.call("typing.start", { channel });
  await shows("who is typing", "em", ["bob"]);
  const { message } = await bobs.call("message.send", { channel, text: "tpyo" });
  await shows("nobody types", "em", [""]);
  await bobs.call("message.edit", { message: message.id, text: "typo" });
  await shows("the edited text", "ol li", ["bob: typo"]);
  assert.deepEqual(heard, ["typo"], "once, although everything is mounted twice");
  const eve = await register(server.url, `eve-${rooms}`);
  await must(server.url, "channel.join", { channel }, eve.token);
  await must(server.url, "message.send", { channel, text: "hi" }, eve.token);
  await shows("the new one's name", "ol li", ["bob: typo", `eve-${rooms}: hi`]);
});

test("offline, a message waits in sight; back again, everything is there once", async () => {
  const parley = await rendered();
  await say("before");
  await shows("the message", "ol li", ["bob: before"]);
  await server.kill();
  await eventually("offline", () => /waiting|connecting/.test(shown("h1")[0]));
  page.querySelector("#send").click();
  await shows("it waits", "ul li", ["from React"]);
  server = await again(server, { env: ENV });
  parley.nudge();
  await shows("all of it", "ol li", ["bob: before", "ann: from React"]);
  await shows("nothing waits", "ul li", []);
});

test("the end of the session empties the page, and hooks need a provider", async () => {
  const parley = await rendered();
  await shows("the session", "h1", ["ann online 0"]);
  const { sessions } = await parley.call("auth.sessions");
  parley.call("auth.revoke", { session: sessions.find((s) => s.current).id }).catch(() => undefined);
  await shows("nobody", "h1", ["nobody idle -"]);
  const { renderToString } = await import("react-dom/server");
  assert.throws(() => renderToString(h(App)), /there is no ParleyProvider above/);
  assert.throws(() => hooks.ParleyProvider({ parley: { session: {} } }), /the session has begun/);
  ann = { ...ann, token: (await must(server.url, "auth.login", { name: "ann", password: "correct horse battery" })).token };
});
