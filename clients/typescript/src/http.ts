import { CallError } from "./errors.js";
import type { CommandName, ErrorData, Params, Result } from "./generated/protocol.js";

interface Problem extends Partial<ErrorData> {
  title?: string;
}

export interface HttpOptions {
  /** The server's address, with a slash at its end. */
  base: string;
  /** Absent: the session cookie speaks for the caller. */
  token: string | undefined;
  fetch: typeof fetch;
}

/** One command over HTTP. What signs in goes this way, because only HTTP can set the session cookie. */
export async function callHttp<C extends CommandName>(
  options: HttpOptions,
  command: C,
  params: Params<C>,
): Promise<Result<C>> {
  const { base, token, fetch } = options;
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`${base}api/v1/${command}`, {
      method: "POST",
      headers,
      body: JSON.stringify(params),
      credentials: "same-origin",
      cache: "no-store",
    });
    // An answer that breaks off is a lost one; one that is not JSON is no answer of Parley's.
    const text = await response.text();
    body = parsed(text);
  } catch {
    throw CallError.lost();
  }
  if (response.ok && body !== null) return body as Result<C>;
  throw problemError(response.status, (body ?? {}));
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** A proxy in front of the server answers 502, 503 or 504 in its own words when there is nobody behind it. */
function problemError(status: number, problem: Problem): CallError {
  const { title, ...rest } = problem;
  const type = typeof rest.type === "string" ? rest.type : status > 501 && status < 505 ? "unavailable" : "internal";
  return new CallError({ ...rest, type }, rest.detail ?? title ?? "the server answered with an error");
}
