import type { CommandName, ErrorData, ErrorType, Params, Result } from "../generated/protocol";
import { CallError } from "./errors";

interface Problem {
  type?: string;
  title?: string;
  detail?: string;
  field?: string;
  reason?: string;
  retry_after_ms?: number;
  id?: string;
}

/** One command over HTTP. The sign-in commands go this way because only HTTP can set the session cookie. */
export async function callHttp<C extends CommandName>(command: C, params: Params<C>): Promise<Result<C>> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/${command}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(params),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch {
    throw CallError.lost();
  }
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return body as Result<C>;
  throw problemError(response.status, body as Problem);
}

function problemError(status: number, problem: Problem): CallError {
  const data: ErrorData = {
    type: (problem.type as ErrorType | undefined) ?? (status === 503 ? "unavailable" : "internal"),
    field: problem.field,
    reason: problem.reason,
    retry_after_ms: problem.retry_after_ms,
    id: problem.id,
  };
  return new CallError(data, problem.detail ?? problem.title ?? "the server answered with an error");
}
