import { CallError } from "@parley/client";

/** A sentence a person can act on. */
export function explain(error: unknown): string {
  if (!(error instanceof CallError)) return "Something went wrong. Please try again.";
  if (error.disconnected) return "You are offline. Try again when you are back.";
  switch (error.type) {
    case "forbidden":
      return "You are not allowed to do that.";
    case "not_found":
      return "That no longer exists, or you cannot see it.";
    case "rate_limited":
      return `Too many tries. Wait ${seconds(error.data.retry_after_ms)} and try again.`;
    case "unavailable":
      return "The server cannot do that right now. Please try again in a moment.";
    case "too_large":
      return "That is too long.";
    case "invalid_params":
      return sentence(error.data.reason ?? error.message);
    case "internal":
      return error.data.id === undefined
        ? "The server had a problem."
        : `The server had a problem (reference ${error.data.id}).`;
    default:
      return sentence(error.data.reason ?? error.message);
  }
}

function seconds(ms: number | undefined): string {
  const s = Math.max(1, Math.ceil((ms ?? 1000) / 1000));
  return s === 1 ? "a second" : `${s} seconds`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "Something went wrong. Please try again.";
  const upper = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
