// Small well-formed values for the tests.

import type { AnyEvent, ChannelView, Message, SessionStarted, User } from "../src/generated/protocol.js";

export const AT = "2026-01-02T10:00:00.000Z";

export function user(id: string, name = id): User {
  return { id, name, display_name: name.toUpperCase(), role: "member" };
}

export function view(id: string, over: Partial<ChannelView> = {}): ChannelView {
  return {
    id,
    name: id,
    type: "public",
    topic: "",
    created_at: AT,
    members: 2,
    role: "member",
    epoch: "e1",
    seq: 0,
    msg_no: 0,
    last_read_seq: 0,
    unread: 0,
    mentions: 0,
    ...over,
  };
}

/** Message number n of a channel in which every second event is a message. */
export function message(channel: string, n: number, over: Partial<Message> = {}): Message {
  return {
    id: `${channel}-${n}`,
    channel,
    seq: n * 2,
    msg_no: n,
    author: "u2",
    text: `text ${n}`,
    created_at: AT,
    ...over,
  };
}

export function messages(channel: string, from: number, to: number): Message[] {
  return Array.from({ length: to - from + 1 }, (_, i) => message(channel, from + i));
}

export function created(m: Message, seq = m.seq): AnyEvent {
  return {
    method: "message.created",
    params: { stream: `c:${m.channel}`, epoch: "e1", seq, at: AT, actor: m.author, message: m },
  };
}

export function session(channels: ChannelView[], streams: SessionStarted["streams"] = {}): SessionStarted {
  const all = { ...streams };
  all["u:u1"] ??= { epoch: "e1", seq: 0, resumed: true };
  return {
    user: user("u1"),
    session: "s1",
    server: { name: "Test", version: "1", node: "n1" },
    heartbeat_ms: 25_000,
    limits: { text_bytes: 16_384, frame_bytes: 65_536, queue_bytes: 1_048_576, resume_events: 1_000 },
    streams: all,
    channels: channels.map((c) => ({ resumed: true, ...c })),
  };
}
