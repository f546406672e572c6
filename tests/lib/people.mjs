// Accounts for tests.

import { call } from "./parleyd.mjs";

const PASSWORD = "correct horse battery";

/** Makes an account: { id, name, token, session }. The first one of a server is the owner. */
export async function register(url, name) {
  const { status, body } = await call(url, "auth.register", { name, password: PASSWORD });
  if (status !== 200) throw new Error(`auth.register ${name}: ${JSON.stringify(body)}`);
  return { id: body.user.id, name, token: body.token, session: body.session };
}

/** One more session of the same account. */
export async function login(url, name) {
  const { status, body } = await call(url, "auth.login", { name, password: PASSWORD });
  if (status !== 200) throw new Error(`auth.login ${name}: ${JSON.stringify(body)}`);
  return { id: body.user.id, name, token: body.token, session: body.session };
}

/** Several, under the names given: { ann, bob, ... }. */
export async function people(url, ...names) {
  const all = {};
  for (const name of names) all[name] = await register(url, name);
  return all;
}

/** A command over HTTP whose success is taken for granted. */
export async function must(url, command, params, token) {
  const { status, body } = await call(url, command, params, token);
  if (status !== 200) throw new Error(`${command}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** The same for whoever reads much in a row: asked too fast, it asks again when it may. */
export async function mustAll(url, command, params, token) {
  for (;;) {
    const { status, body } = await call(url, command, params, token);
    if (status === 200) return body;
    if (status !== 429) throw new Error(`${command}: ${status} ${JSON.stringify(body)}`);
    await new Promise((resolve) => setTimeout(resolve, body.retry_after_ms));
  }
}
