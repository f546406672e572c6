import type { Parley } from "../client.js";
import type { Id } from "../generated/protocol.js";
import type { OutboxItem } from "../outbox.js";
import { reduce } from "./reducer.js";
import type { Action } from "./reducer.js";
import { EMPTY } from "./types.js";
import type { Pending, State } from "./types.js";

const PAGE = 60;
const TYPING_LOOK_MS = 1_000;

/** The state of a client, kept up by what it hears, for whoever draws it. Made before `parley.start()`, it lives as long as the client. */
export class Chat {
  private current = EMPTY;
  private readonly readers = new Set<() => void>();
  private readonly asking = new Set<string>();
  private typingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly parley: Parley) {
    if (parley.session !== null) throw new Error("the session has begun: what happened in it is not known any more");
    parley.listen({
      started: (session, dropped) => {
        if (this.current.me !== null && this.current.me.id !== session.user.id) this.dispatch({ type: "session/ended" });
        this.dispatch({ type: "session/started", session, dropped });
      },
      event: (event) => this.dispatch({ type: "event", event, now: Date.now() }),
      signedOut: () => this.dispatch({ type: "session/ended" }),
      restored: (items) => items.forEach((item) => this.put(item)),
      changed: (item) => this.put(item),
      removed: ({ channel, client_msg_id }) => this.dispatch({ type: "pending/removed", channel, client_msg_id }),
      acked: ({ client_msg_id }, message) => this.dispatch({ type: "message/acked", client_msg_id, message }),
      resync: (stream) => this.dispatch({ type: "stream/resync", stream }),
    });
    parley.on("message.created", ({ message }) => this.need(message.author));
    parley.on("typing", ({ user }) => {
      this.need(user);
      this.expireTyping();
    });
  }

  get state(): State {
    return this.current;
  }

  dispatch(action: Action): void {
    const before = this.current;
    this.current = reduce(before, action);
    if (this.current !== before) for (const reader of [...this.readers]) reader();
  }

  /** Calls `reader` after every change; gives what ends that. */
  readonly subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  /** Fetches the newest messages of a channel; of one that is being fetched, nothing. */
  async load(channel: Id): Promise<void> {
    await this.once(`load ${channel}`, async () => {
      const page = await this.parley.call("message.history", { channel, limit: PAGE });
      this.dispatch({ type: "history/loaded", channel, page, users: page.users });
    });
  }

  /** Fetches a page of messages before those that are there, if there are any. */
  async loadOlder(channel: Id): Promise<void> {
    const window = this.current.channels[channel]?.window;
    const before = window?.messages[0]?.seq;
    if (window?.moreBefore !== true || before === undefined) return;
    await this.once(`older ${channel}`, async () => {
      const page = await this.parley.call("message.history", { channel, before, limit: PAGE });
      this.dispatch({ type: "history/older", channel, before, page, users: page.users });
    });
  }

  private put(item: OutboxItem): void {
    const { client_msg_id, channel, text, created_at, failed } = item;
    const pending: Pending = { client_msg_id, channel, text, created_at, failed: failed?.reason ?? failed?.message };
    this.dispatch({ type: "pending/put", pending });
  }

  /** A name that is not known is asked for; without an answer it is shown without one. */
  private need(user: Id): void {
    if (this.current.users[user] !== undefined) return;
    this.once(`user ${user}`, async () => {
      const answer = await this.parley.call("user.get", { user });
      this.dispatch({ type: "users/learned", users: [answer.user] });
    }).catch(() => undefined);
  }

  private async once(what: string, ask: () => Promise<void>): Promise<void> {
    if (this.asking.has(what)) return;
    this.asking.add(what);
    try {
      await ask();
    } finally {
      this.asking.delete(what);
    }
  }

  private expireTyping(): void {
    this.typingTimer ??= setTimeout(() => {
      this.typingTimer = undefined;
      this.dispatch({ type: "typing/expired", now: Date.now() });
      if (Object.values(this.current.channels).some((c) => Object.keys(c.typing).length > 0)) this.expireTyping();
    }, TYPING_LOOK_MS);
  }
}
