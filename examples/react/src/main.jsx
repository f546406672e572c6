// A small chat on React and plain socket.io-client.

import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "./chat.js";

const TYPING_EVERY_MS = 3_000;
const PHASES = { connecting: "Connecting…", online: "Online", offline: "Connection lost, trying again…" };

function App() {
  const [state, chat] = useChat();
  const [chosen, choose] = useState(null);
  const channel = state.channels.find((c) => c.id === chosen) ?? state.channels.find((c) => c.name);
  const read = channel && state.read[channel.id];

  useEffect(() => {
    if (channel && !read && state.phase === "online") chat.open(channel.id).catch(() => {}); // lost again: the next session reads it
  }, [channel?.id, !read, state.phase]);

  if (state.phase === "signed-out") return <SignIn signIn={chat.signIn} />;
  return (
    <div className="chat">
      <header className="status">
        <strong>{state.user?.display_name}</strong>
        <span role="status">{PHASES[state.phase]}</span>
      </header>
      <nav aria-label="Channels">
        {state.channels.filter((c) => c.name).map((c) => (
          <button key={c.id} aria-current={c.id === channel?.id} onClick={() => choose(c.id)}>
            #{c.name}
          </button>
        ))}
      </nav>
      {channel && <Channel key={channel.id} channel={channel} state={state} chat={chat} />}
    </div>
  );
}

function SignIn({ signIn }) {
  const [problem, setProblem] = useState();
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      setProblem(await signIn(form.get("name"), form.get("password")));
    } catch {
      setProblem("The server cannot be reached");
    }
  };
  return (
    <main>
      <form className="sign-in" onSubmit={submit}>
        <h1>Sign in</h1>
        <label>
          Name
          <input name="name" autoComplete="username" required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem && <p className="error" role="alert">{problem}</p>}
        <button>Sign in</button>
      </form>
    </main>
  );
}

function Channel({ channel, state, chat }) {
  const messages = state.messages[channel.id] ?? [];
  const typing = Object.keys(state.typing[channel.id] ?? {}).filter((id) => id !== state.user.id);
  const name = (id) => state.names[id] ?? "Somebody";
  const end = useRef(null);
  useEffect(() => end.current?.scrollIntoView({ block: "end" }), [messages.length]);
  return (
    <main className="channel">
      <h1>#{channel.name}</h1>
      <ol className="messages" aria-label="Messages">
        {messages.map((m) => (
          <li key={m.id}>
            <strong>{name(m.author)}</strong>
            <time dateTime={m.created_at}>{new Date(m.created_at).toLocaleTimeString([], { timeStyle: "short" })}</time>
            <p>{m.deleted_at ? "(deleted)" : m.text}</p>
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
  const [problem, setProblem] = useState();
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
      <input aria-label={`Message #${channel.name}`} value={text} onChange={change} autoComplete="off" />
      <button>Send</button>
      {problem && <p className="error" role="alert">{problem}</p>}
    </form>
  );
}

createRoot(document.getElementById("app")).render(<App />);
