// Is a result or an event what the server's own description says it is? Strictly: no member too many, none missing.

export class Schema {
  constructor(description) {
    this.description = description;
    const byName = (rows) => new Map(rows.map((row) => [row.name, row]));
    this.objects = byName(description.objects);
    this.enums = byName(description.enums);
    this.aliases = byName(description.aliases);
    this.events = byName(description.events);
    this.commands = byName(description.commands);
    this.errors = new Set(description.errors.map((error) => error.type));
  }

  /** What is wrong with the result of COMMAND: a list of sentences. */
  result(command, value) {
    return this.#check(this.commands.get(command).result, value, command);
  }

  /** What is wrong with an event { method, params }. */
  event({ method, params, ...rest }) {
    const event = this.events.get(method);
    if (event === undefined) return [`${method}: there is no such event`];
    const logged = event.stream === "ephemeral" ? [] : this.objects.get("Logged").fields;
    const wrong = this.#members([...logged, ...event.fields], params, method);
    const others = Object.keys(rest).filter((key) => key !== "jsonrpc");
    if (others.length > 0) wrong.push(`${method}: has ${others} beside method and params`);
    const stream = { channel: "c:", user: "u:" }[event.stream];
    if (stream !== undefined && !String(params.stream).startsWith(stream)) wrong.push(`${method}: is in ${params.stream}`);
    return wrong;
  }

  #fields(object) {
    const inherited = object.extends === undefined ? [] : this.#fields(this.objects.get(object.extends));
    return [...inherited, ...object.fields];
  }

  #members(fields, value, at) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at}: ${JSON.stringify(value)} is no object`];
    const known = new Map(fields.map((field) => [field.name, field]));
    const missing = fields.filter((field) => field.required && !(field.name in value)).map((field) => `${at}.${field.name} is missing`);
    const wrong = Object.entries(value).flatMap(([name, member]) =>
      known.has(name) ? this.#check(known.get(name).type, member, `${at}.${name}`) : [`${at}.${name} is not described`],
    );
    return [...missing, ...wrong];
  }

  #check(type, value, at) {
    const is = (ok) => (ok ? [] : [`${at}: ${JSON.stringify(value)} is no ${type}`]);
    if (type.endsWith("[]")) {
      if (!Array.isArray(value)) return is(false);
      return value.flatMap((item, i) => this.#check(type.slice(0, -2), item, `${at}[${i}]`));
    }
    const map = /^map<(\w+),(\w+)>$/.exec(type);
    if (map) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return is(false);
      return Object.entries(value).flatMap(([key, item]) => [...this.#check(map[1], key, `${at} key`), ...this.#check(map[2], item, `${at}.${key}`)]);
    }
    if (type === "string") return is(typeof value === "string");
    if (type === "boolean") return is(typeof value === "boolean");
    if (type === "integer") return is(Number.isSafeInteger(value) && value >= 0);
    if (type === "ErrorType") return is(this.errors.has(value));
    if (type === "AnyEvent") return this.event(value);
    if (this.aliases.has(type)) return is(typeof value === "string" && new RegExp(this.aliases.get(type).pattern).test(value));
    if (this.enums.has(type)) return is(this.enums.get(type).words.includes(value));
    return this.#members(this.#fields(this.objects.get(type)), value, at);
  }
}
