import { useEffect, useState } from "react";
import { Channel } from "./Channel.jsx";
import { SignIn } from "./SignIn.jsx";
import { useChat } from "./useChat.js";

const PHASES = { connecting: "Connecting…", online: "Online", offline: "Connection lost, trying again…" };

export function App() {
  const [state, chat] = useChat();
  const [chosen, choose] = useState(null);
  const [problem, setProblem] = useState(null);
  const channels = state.channels.filter((c) => c.name); // direct messages have none
  const channel = channels.find((c) => c.id === chosen) ?? channels[0];
  const unread = state.phase === "online" && channel && !state.read[channel.id] ? channel.id : null;

  useEffect(() => {
    if (!unread) return;
    setProblem(null);
    chat.read(unread).catch((error) => {
      if (error.refused) setProblem(error.message); // else the connection broke, and the next one reads it
    });
  }, [chat, unread]);

  if (state.phase === "signed-out") return <SignIn signIn={chat.signIn} />;
  return (
    <div className="chat">
      <header className="status">
        <strong>{state.user?.display_name}</strong>
        <span role="status">{PHASES[state.phase]}</span>
        {state.user && <button onClick={chat.signOut}>Sign out</button>}
      </header>
      <nav aria-label="Channels">
        {channels.map((c) => (
          <button key={c.id} aria-current={c.id === channel?.id} onClick={() => choose(c.id)}>
            #{c.name}
          </button>
        ))}
        {state.phase === "online" && <Others chat={chat} joined={choose} />}
      </nav>
      {channel ? (
        <Channel key={channel.id} channel={channel} state={state} chat={chat} problem={problem} />
      ) : (
        <main className="channel">{state.phase === "online" && <p>Join a channel to read it.</p>}</main>
      )}
    </div>
  );
}

/** The public channels one is not in. */
function Others({ chat, joined }) {
  const [list, setList] = useState(null);
  const [problem, setProblem] = useState(null);
  const tell = (error) => setProblem(error.refused ? error.message : "The connection broke");
  const look = () => chat.find().then(setList).catch(tell);
  const join = (channel) => {
    setList(null);
    chat.join(channel.id).then(() => joined(channel.id)).catch(tell);
  };
  return (
    <>
      {!list && <button onClick={look}>Other channels…</button>}
      {list?.map((c) => (
        <button key={c.id} onClick={() => join(c)}>
          Join #{c.name}
        </button>
      ))}
      {list?.length === 0 && <p>There are no others.</p>}
      {problem && <p className="error" role="alert">{problem}</p>}
    </>
  );
}
