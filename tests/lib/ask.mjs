// A request on a connection of its own: limits that go by connections do not notice that it is one client.

import http from "node:http";

/** { status, headers, body }, JSON parsed. BODY: a text as it is, or what is sent as JSON; FROM: an address of this machine. */
export function ask(url, path, { from, token, body, type = "application/json", method = body === undefined ? "GET" : "POST" } = {}) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": type, Connection: "close", ...(token && { Authorization: `Bearer ${token}` }) };
    const request = http.request(url + path, { method, agent: false, localAddress: from, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("error", reject).on("end", () => {
        const json = response.headers["content-type"]?.includes("json");
        resolve({ status: response.statusCode, headers: response.headers, body: json ? JSON.parse(text) : text });
      });
    });
    request.on("error", reject).end(typeof body === "object" ? JSON.stringify(body) : body);
  });
}
