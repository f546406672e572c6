import { useEffect, useRef, useState } from "react";

const TYPING_EVERY_MS = 3_000;
const timeOf = (iso) => new Date(iso).toLocaleTimeString([], { timeStyle: "short" });

export function Channel({ channel, state, chat, problem }) {
  const messages = state.messages[channel.id] ?? [];
  const pending = state.pending[channel.id] ?? [];
  const name = (id) => state.names[id] ?? "Somebody";
  const typing = Object.keys(state.typing[channel.id] ?? {}).filter((id) => id !== state.user.id);
  const end = useRef(null);
  const count = messages.length + pending.length;
  useEffect(() => {
    end.current.scrollIntoView({ block: "end" }); // not returned: it gives a promise in some browsers
  }, [count]);

  return (
    <main className="channel">
      <h1>#{channel.name}</h1>
      {problem && <p className="error" role="alert">{problem}</p>}
      {/* It scrolls, so the keyboard must be able to reach it. */}
      <ol className="messages" aria-label="Messages" tabIndex={0}>
        {messages.map((m) => (
          <li key={m.id}>
            <strong>{name(m.author)}</strong> <time dateTime={m.created_at}>{timeOf(m.created_at)}</time>
            <p>{m.deleted_at ? "(deleted)" : m.text}</p>
          </li>
        ))}
        {pending.map((m) => (
          <li key={m.client_msg_id} className="pending">
            <strong>{name(state.user.id)}</strong> <span>sending…</span>
            <p>{m.text}</p>
          </li>
        ))}
        <li ref={end} aria-hidden="true" />
      </ol>
      <p className="typing">{typing.length > 0 && `${typing.map(name).join(", ")} typing…`}</p>
      <Composer channel={channel} chat={chat} />
    </main>
  );
}

function Composer({ channel, chat }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState(null);
  const told = useRef(0);
  const change = (event) => {
    setText(event.target.value);
    if (Date.now() - told.current < TYPING_EVERY_MS) return;
    told.current = Date.now();
    chat.typing(channel.id);
  };
  const submit = async (event) => {
    event.preventDefault();
    if (!text.trim()) return;
    setText("");
    told.current = 0;
    setProblem(await chat.send(channel.id, text));
  };
  return (
    <form className="composer" onSubmit={submit}>
      <input aria-label={`Message #${channel.name}`} placeholder={`Message #${channel.name}`} value={text} onChange={change} autoComplete="off" />
      <button>Send</button>
      {problem && <p className="error" role="alert">{problem}</p>}
    </form>
  );
}
