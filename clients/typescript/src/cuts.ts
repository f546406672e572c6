import type { Position, SessionStarted, Stream } from "./generated/protocol.js";

export interface Cut extends Position {
  resumed: boolean;
}

/** Where every stream is at the session's start: the channels say it of theirs, `streams` of the others. */
export function cutsOf(session: SessionStarted): Record<Stream, Cut> {
  const cuts: Record<Stream, Cut> = {};
  for (const { id, epoch, seq, resumed } of session.channels) cuts[`c:${id}`] = { epoch, seq, resumed: resumed === true };
  for (const [stream, cut] of Object.entries(session.streams)) cuts[stream] = cut;
  return cuts;
}
