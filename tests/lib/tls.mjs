// Certificates for tests, made by openssl, and a proxy that puts TLS in front of a server that has none.
//
//   const ca = authority();                              // ca.file: its certificate
//   const own = ca.issue("IP:127.0.0.1");                // own.file: certificate and key in one; own.cert, own.key: in two
//   ca.issue("DNS:x.test", { days: -1 });                // one that has expired
//   ca.issue("DNS:x.test", { passphrase: "secret" });    // its key is encrypted
//   const proxy = await startTls(port, own, { ca });     // TLS on proxy.port; with CA it demands a certificate of that authority
//   proxy.sessions;                                      // how many handshakes succeeded
//   await proxy.close();
//
// The files are in a folder that goes when the test process ends.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";

import { temporaryFolder } from "./parleyd.mjs";

const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** A certificate authority that nobody else trusts. */
export function authority(name = "Parley Test CA") {
  const folder = temporaryFolder();
  const file = join(folder, "ca.pem");
  const key = join(folder, "ca.key");
  openssl("req", "-x509", ...NEW_KEY, "-nodes", "-days", "2", "-subj", `/CN=${name}`, "-keyout", key, "-out", file);
  let issued = 0;

  /** ALT_NAME: "IP:127.0.0.1", "DNS:host". */
  function issue(altName, { days = 2, passphrase } = {}) {
    const base = join(folder, String(++issued));
    const own = { cert: `${base}.crt`, key: `${base}.key`, file: `${base}.pem` };
    const extensions = `${base}.ext`;
    writeFileSync(extensions, `subjectAltName=${altName}\n`);
    openssl("req", "-new", ...NEW_KEY, "-nodes", "-subj", "/CN=parley-test", "-keyout", own.key, "-out", `${base}.csr`);
    openssl("x509", "-req", "-in", `${base}.csr`, "-CA", file, "-CAkey", key, "-set_serial", String(issued), "-days", String(days), "-extfile", extensions, "-out", own.cert);
    if (passphrase) {
      const clear = own.key;
      own.key = `${base}.enc`;
      openssl("pkcs8", "-topk8", "-in", clear, "-out", own.key, "-passout", `pass:${passphrase}`);
    }
    writeFileSync(own.file, readFileSync(own.cert, "utf8") + readFileSync(own.key, "utf8"), { mode: 0o600 });
    return own;
  }
  return { file, issue };
}

/** TARGET: the port on 127.0.0.1 of what is behind it. */
export async function startTls(target, own, { ca, passphrase } = {}) {
  const sockets = new Set();
  const proxy = { sessions: 0 };
  const options = { cert: readFileSync(own.cert), key: readFileSync(own.key), passphrase, noDelay: true };
  if (ca) Object.assign(options, { ca: readFileSync(ca.file), requestCert: true, rejectUnauthorized: true });
  const server = createServer(options, (client) => {
    proxy.sessions++;
    const behind = createConnection({ host: "127.0.0.1", port: target, noDelay: true });
    for (const [from, to] of [[client, behind], [behind, client]]) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => (sockets.delete(from), to.destroy()));
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy.port = server.address().port;
  proxy.close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return proxy;
}
