import type { ErrorData, ErrorType } from "./generated/protocol.js";

/** An error the server answered with, or `unavailable` when no answer could be had. Go by `type`. */
export class CallError extends Error {
  readonly type: ErrorType;
  /** What else is known: the field that is wrong and the reason, the time to wait, the id in the server's log. */
  readonly data: ErrorData;
  /** True when the connection went away: nothing is known about the outcome. */
  readonly disconnected: boolean;

  constructor(data: ErrorData, message: string, disconnected = false) {
    super(message);
    this.name = "CallError";
    this.type = data.type;
    this.data = data;
    this.disconnected = disconnected;
  }

  static lost(): CallError {
    return new CallError({ type: "unavailable" }, "the connection was lost", true);
  }

  static unknown(cause: unknown): CallError {
    return new CallError({ type: "internal" }, String(cause));
  }
}
