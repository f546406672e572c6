// What a client may see of a chat, and what must be true of the whole of it afterwards.
//
// View: one client, while it runs. It is given every answer to session.start and every event, and throws a Violation
// at the first one that protocol.md does not allow: a hole, a repetition, another order, a wrong `resumed`, an event of
// a stream that is not the client's.
//
// judge(): the end. The log of each stream, as stream.events gives it, is the truth that everything else is held
// against: what the views saw, what was acknowledged, what message.history, channel.members and session.start say.
//
// An event is { method, params } as it came. A text in the log may have gone since it was seen, if its message was
// deleted; nothing else may change.

export class Violation extends Error {}

// WHAT: a text, or a function that makes one, where it is asked for every event that anybody saw.
function demand(truth, what) {
  if (!truth) throw new Violation(typeof what === "function" ? what() : what);
}

const brief = (event) => {
  const { method, params: p } = event;
  const about = p.message ? ` ${p.message.id} ${JSON.stringify(p.message.text)?.slice(0, 40) ?? "(no text)"}` : "";
  const who = p.user?.name ? ` ${p.user.name}` : "";
  return `${p.seq} ${method}${about}${who}${p.channel?.id ? ` ${p.channel.id}` : ""}`;
};

const asText = (event) => JSON.stringify([event.method, event.params]);
const isEqual = (a, b) => a === b || asText(a) === asText(b);

/** True if LOGGED is SEEN, or what a deletion has left of it. */
export function isSameEvent(seen, logged) {
  if (isEqual(seen, logged)) return true;
  const [was, is] = [seen.params.message, logged.params.message];
  if (seen.method !== logged.method || !was || !is || is.text !== undefined || !is.deleted_at) return false;
  const same = (a, b, names) => names.every((name) => a[name] === b[name]);
  return (
    same(seen.params, logged.params, ["stream", "epoch", "seq", "at", "actor"]) &&
    same(was, is, ["id", "channel", "seq", "msg_no", "author", "created_at"])
  );
}

/** Events that anybody has seen, one of each for all views: many clients see the same, and a long run has millions. */
export class Sightings {
  #kept = new Map(); // stream -> Map(seq -> [event, and what a deletion has left of it])

  /** EVENT, or one that is equal to it and was seen before. */
  keep(event) {
    const { stream, seq } = event.params;
    if (!this.#kept.has(stream)) this.#kept.set(stream, new Map());
    const stored = this.#kept.get(stream).get(seq) ?? [];
    const before = stored.find((other) => isEqual(other, event));
    if (before) return before;
    this.#kept.get(stream).set(seq, [...stored, event]);
    return event;
  }
}

export class View {
  /** SIGHTINGS: what all views of one chat share. */
  constructor(name, user, sightings = new Sightings()) {
    this.name = name;
    this.user = user;
    this.sightings = sightings;
    this.streams = new Map(); // stream -> { epoch, at, sure }: where the client is; only streams that it gets
    this.seen = new Map(); // stream -> Map(seq -> event): all that ever came
    this.cuts = new Map(); // of this session
    this.count = 0;
  }

  /** What to give to session.start. */
  positions() {
    return Object.fromEntries([...this.streams].map(([stream, s]) => [stream, { epoch: s.epoch, seq: s.at }]));
  }

  /** The answer to session.start, which was asked with POSITIONS. */
  started(positions, result) {
    const rows = [
      ...Object.entries(result.streams),
      ...result.channels.map((c) => [`c:${c.id}`, { epoch: c.epoch, seq: c.seq, resumed: c.resumed }]),
    ];
    this.cuts.clear();
    for (const [stream, row] of rows) {
      demand(!this.cuts.has(stream), `session.start names ${stream} twice`);
      this.cuts.set(stream, row.seq);
      this.#begin(stream, row, positions[stream], result.limits.resume_events);
    }
    demand(this.cuts.has(`u:${this.user}`), "session.start does not name the user's own stream");
    for (const stream of this.streams.keys()) if (!this.cuts.has(stream)) this.streams.delete(stream);
  }

  #begin(stream, row, position, most) {
    const fits = position && position.epoch === row.epoch && position.seq <= row.seq && row.seq - position.seq <= most;
    demand(
      row.resumed === Boolean(fits),
      `${stream} is at ${row.epoch}/${row.seq}, the client at ${JSON.stringify(position)}: resumed must be ${Boolean(fits)}`,
    );
    const at = fits ? position.seq : row.seq;
    this.streams.set(stream, { epoch: row.epoch, at, sure: row.seq });
  }

  take(event) {
    const { method, params } = event;
    if (params.seq === undefined) return;
    const s = this.streams.get(params.stream);
    demand(s, `${params.stream} is not a stream of this client, but sent ${brief(event)}`);
    demand(params.epoch === s.epoch, `${params.stream}: epoch ${params.epoch} after ${s.epoch} at ${brief(event)}`);
    const verdict = params.seq > s.at + 1 ? "a hole" : this.#has(params) ? "a repetition" : "going back";
    demand(params.seq === s.at + 1, `${params.stream}: ${verdict}: after ${s.at} came ${brief(event)}`);
    s.at = params.seq;
    this.count++;
    this.#keep(event);
    if (method === "member.left" && params.user.id === this.user && params.seq > s.sure) this.streams.delete(params.stream);
    if (method === "channel.joined" && params.seq > this.cuts.get(params.stream)) this.#join(params.channel);
  }

  #has(params) {
    return this.seen.get(params.stream)?.has(params.seq);
  }

  #keep(event) {
    const { stream, seq } = event.params;
    if (!this.seen.has(stream)) this.seen.set(stream, new Map());
    const before = this.seen.get(stream).get(seq);
    demand(
      !before || isSameEvent(before, event),
      `${stream}: ${seq} was ${before && JSON.stringify(before)}, is ${JSON.stringify(event)}`,
    );
    this.seen.get(stream).set(seq, this.sightings.keep(event));
  }

  // The stream of a channel begins with the event of the join; it goes on if it has not ended yet.
  #join(channel) {
    const stream = `c:${channel.id}`;
    const open = this.streams.get(stream);
    if (open) open.sure = Math.max(open.sure, channel.seq);
    else this.streams.set(stream, { epoch: channel.epoch, at: channel.seq - 1, sure: channel.seq });
  }

  /** The streams that are not yet where the server's are: TOPS is Map(stream -> seq). */
  behind(tops) {
    const late = [];
    for (const [stream, s] of this.streams) {
      const top = tops.get(stream);
      if (top !== undefined && s.at !== top) late.push(`${stream}: ${s.at} of ${top}`);
    }
    return late;
  }
}

/** What the clients asked for and were told. */
export class Ledger {
  constructor() {
    this.sends = new Map(); // client_msg_id -> { author, channel, text, line, attempts, ack, refused }; in the order of sending
    this.edits = []; // { message, text, acked }
    this.deletes = []; // { message, acked }
    this.marks = new Map(); // "user channel" -> highest position told to be read
  }

  send(id, entry) {
    if (!this.sends.has(id)) this.sends.set(id, { ...entry, attempts: 0, ack: null, refused: null });
    const send = this.sends.get(id);
    send.attempts++;
    return send;
  }

  acked(id, message) {
    const send = this.sends.get(id);
    const expected = { channel: send.channel, author: send.author, client_msg_id: id };
    for (const [name, value] of Object.entries(expected)) {
      demand(message[name] === value, `the answer to ${id} has ${name} ${message[name]}, not ${value}`);
    }
    const first = send.attempts === 1;
    demand(!first || message.text === send.text, `the answer to ${id} has another text: ${JSON.stringify(message)}`);
    demand(!send.ack || send.ack.id === message.id, `${id} became two messages: ${send.ack?.id} and ${message.id}`);
    send.ack ??= message;
  }

  marked(user, channel, seq, result) {
    const key = `${user} ${channel}`;
    demand(result.last_read_seq >= seq, `read.mark ${seq} was answered with ${result.last_read_seq}`);
    this.marks.set(key, Math.max(this.marks.get(key) ?? 0, seq));
  }
}

/** Messages, members and their order, as a stream's log tells them. */
export class Folded {
  constructor(stream, log) {
    this.stream = stream;
    this.messages = new Map(); // id -> message, in order
    this.members = new Map(); // user id -> role
    this.byClientId = new Map(); // "author client_msg_id" -> message id; a tombstone has lost its own
    this.texts = new Map(); // message id -> texts of its message.updated events that are still there
    this.log = log;
    log.forEach((event, i) => {
      demand(event.params.seq === i + 1, `${stream}: the log has ${event.params.seq} in place ${i + 1}`);
      demand(event.params.epoch === log[0].params.epoch, `${stream}: the log changes its epoch at ${i + 1}`);
      demand(event.params.stream === stream, `${stream}: the log has an event of ${event.params.stream}`);
      this.#apply(event);
    });
  }

  #apply({ method, params }) {
    const { message, user } = params;
    const where = `${this.stream} ${params.seq} ${method}`;
    if (method === "message.created") this.#created(where, params.seq, message);
    else if (method === "message.updated" || method === "message.deleted") this.#changed(where, method, message);
    else if (method === "member.joined") {
      demand(!this.members.has(user.id), `${where}: ${user.name} is a member already`);
      this.members.set(user.id, params.role);
    } else if (method === "member.left") {
      demand(this.members.delete(user.id), `${where}: ${user.name} is no member`);
    }
  }

  #created(where, seq, message) {
    demand(message.msg_no === this.messages.size + 1, `${where}: msg_no ${message.msg_no}, not ${this.messages.size + 1}`);
    demand(message.seq === seq, `${where}: the message says seq ${message.seq}`);
    demand(!this.messages.has(message.id), `${where}: ${message.id} is created twice`);
    demand(this.members.has(message.author), `${where}: its author is no member`);
    const key = `${message.author} ${message.client_msg_id}`;
    demand(!this.byClientId.has(key), `${where}: ${key} is created twice`);
    if (!message.deleted_at) this.byClientId.set(key, message.id);
    this.messages.set(message.id, message);
    this.texts.set(message.id, []);
  }

  #changed(where, method, message) {
    const before = this.messages.get(message.id);
    demand(before, `${where}: ${message.id} was never created`);
    for (const name of ["seq", "msg_no", "author", "created_at"]) {
      demand(message[name] === before[name], `${where}: ${name} was ${before[name]}, is ${message[name]}`);
    }
    if (method === "message.updated" && message.text !== undefined) this.texts.get(message.id).push(message.text);
    if (method === "message.deleted") demand(message.text === undefined, `${where}: it still has its text`);
    this.messages.set(message.id, message);
  }

  messagesAfter(seq) {
    return [...this.messages.values()].filter((m) => m.seq > seq).length;
  }
}

// MATCHING: events that were found to be in the log already. Views share what they saw.
function judgeView(view, folded, matching) {
  for (const [stream, seen] of view.seen) {
    const log = folded.get(stream)?.log;
    demand(log, `${view.name} saw ${stream}, whose log was not fetched`);
    for (const [seq, event] of seen) {
      if (matching.has(event)) continue;
      demand(log[seq - 1], () => `${view.name} saw ${brief(event)} in ${stream}, which ends at ${log.length}`);
      demand(
        isSameEvent(event, log[seq - 1]),
        () =>
          `${view.name} saw in ${stream}\n  ${JSON.stringify(event)}\nbut the log has\n  ${JSON.stringify(log[seq - 1])}`,
      );
      matching.add(event);
    }
  }
  for (const [stream, f] of folded) {
    if (!stream.startsWith("c:")) continue;
    const [member, open] = [f.members.has(view.user), view.streams.has(stream)];
    demand(member === open, `${view.name} is ${member ? "a" : "no"} member of ${stream}, but ${open ? "gets" : "does not get"} its events`);
  }
}

function judgeSend(id, send, folded) {
  const f = folded.get(`c:${send.channel}`);
  const message = f.messages.get(send.ack?.id ?? f.byClientId.get(`${send.author} ${id}`));
  if (send.refused && send.attempts === 1) demand(!message, `${id} was refused (${send.refused}) but is there`);
  if (!send.ack) return;
  demand(message, `${id} was acknowledged as ${send.ack.id} at ${send.ack.seq} of ${f.stream}, but is not there`);
  for (const name of ["id", "seq", "msg_no", "author", "channel", "created_at"]) {
    demand(message[name] === send.ack[name], `${id} was acknowledged with ${name} ${send.ack[name]}, is ${message[name]}`);
  }
  const created = f.log[message.seq - 1].params.message;
  const gone = Boolean(message.deleted_at);
  demand(gone || created.text === send.text, `${id} was sent as ${JSON.stringify(send.text)}, is ${JSON.stringify(created.text)}`);
}

// LINE of a send is the connection on which it went out first. What was sent one after the other on one connection and
// acknowledged without a second attempt is in the channel in that order.
function judgeOrder(ledger) {
  const last = new Map(); // "line channel" -> [id, seq]
  for (const [id, send] of ledger.sends) {
    if (!send.ack || send.attempts > 1 || send.line === undefined) continue;
    const key = `${send.line} ${send.channel}`;
    const [before, seq] = last.get(key) ?? [null, 0];
    demand(send.ack.seq > seq, `${id} was sent after ${before} on one connection, but is at ${send.ack.seq}, before ${seq}`);
    last.set(key, [id, send.ack.seq]);
  }
}

function judgeChanges(ledger, folded) {
  const all = new Map([...folded.values()].flatMap((f) => [...f.messages.keys()].map((id) => [id, f])));
  for (const edit of ledger.edits.filter((e) => e.acked)) {
    const f = all.get(edit.message);
    const gone = f.messages.get(edit.message).deleted_at;
    const times = f.texts.get(edit.message).filter((text) => text === edit.text).length;
    demand(gone || times === 1, `the edit of ${edit.message} to ${edit.text} was acknowledged, and is there ${times} times`);
  }
  for (const { message } of ledger.deletes.filter((d) => d.acked)) {
    demand(all.get(message).messages.get(message).deleted_at, `the deletion of ${message} was acknowledged, but it is there`);
  }
  const meant = new Set(ledger.edits.map((e) => `${e.message} ${e.text}`));
  for (const [id, f] of all) {
    for (const text of f.texts.get(id)) demand(meant.has(`${id} ${text}`), `nobody edited ${id} to ${text}`);
  }
}

function judgeScrubbed(f) {
  for (const { method, params } of f.log) {
    const gone = params.message && f.messages.get(params.message.id).deleted_at;
    demand(!gone || params.message.text === undefined, `${f.stream} ${params.seq} ${method}: a deleted message's text is still in the log`);
  }
}

/** HISTORY: the channel's messages as message.history gives them. */
export function judgeHistory(f, history, how) {
  const expected = [...f.messages.values()];
  demand(history.length === expected.length, `${f.stream}: ${history.length} messages in the history ${how}, ${expected.length} in the log`);
  history.forEach((message, i) => {
    const want = expected[i];
    for (const name of ["id", "seq", "msg_no", "author", "text", "created_at", "deleted_at", "edited_at"]) {
      demand(
        message[name] === want[name],
        `${f.stream}: in the history ${how}, message ${i} has ${name} ${JSON.stringify(message[name])}, in the log ${JSON.stringify(want[name])}`,
      );
    }
  });
}

/** ROW: a user's view of a channel as session.start gives it. */
export function judgeUnread(f, user, row, ledger) {
  const unread = f.messagesAfter(row.last_read_seq);
  demand(row.unread === unread, `${f.stream}: ${user.name} read up to ${row.last_read_seq}: ${unread} unread, told ${row.unread}`);
  demand(row.msg_no === f.messages.size, `${f.stream}: msg_no is ${row.msg_no} for ${f.messages.size} messages`);
  const mark = ledger.marks.get(`${user.id} ${row.id}`) ?? 0;
  demand(row.last_read_seq >= mark, `${f.stream}: ${user.name} had read up to ${mark}, now ${row.last_read_seq}`);
}

export function judgeMembers(f, members, count) {
  const [told, log] = [members.map((m) => m.user.id).sort(), [...f.members.keys()].sort()];
  demand(told.join() === log.join(), `${f.stream}: channel.members has ${told}, the log ${log}`);
  demand(count === log.length, `${f.stream}: the channel counts ${count} members of ${log.length}`);
  for (const { user, role } of members) {
    demand(f.members.get(user.id) === role, `${f.stream}: ${user.name} is ${role}, in the log ${f.members.get(user.id)}`);
  }
}

/** LOGS: Map(stream -> events from the first on). Gives Map(stream -> Folded). */
export function judge({ logs, views, ledger }) {
  const folded = new Map([...logs].map(([stream, log]) => [stream, new Folded(stream, log)]));
  const known = new Set([...ledger.sends].map(([id, send]) => `${send.author} ${id}`));
  for (const f of folded.values()) {
    judgeScrubbed(f);
    for (const key of f.byClientId.keys()) demand(known.has(key), `${f.stream}: nobody sent ${key}`);
  }
  for (const [id, send] of ledger.sends) judgeSend(id, send, folded);
  judgeOrder(ledger);
  judgeChanges(ledger, folded);
  const matching = new Set();
  for (const view of views) judgeView(view, folded, matching);
  return folded;
}
