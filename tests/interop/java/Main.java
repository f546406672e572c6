package interop;

import io.socket.client.Ack;
import io.socket.client.IO;
import io.socket.client.Socket;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** The client of conversation.mjs on io.socket:socket.io-client. */
public final class Main {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        String url = args[0], name = args[1], room = args[3];
        String token = signIn(url, name, args[2]);
        JSONObject position = new JSONObject();
        BlockingQueue<JSONObject> started = new LinkedBlockingQueue<>();
        BlockingQueue<JSONObject> received = new LinkedBlockingQueue<>();

        Map<String, String> auth = new HashMap<>();
        auth.put("token", token);
        Socket socket = connect(url, args[4], auth, started, received, position);
        JSONObject session = take(started);
        String me = session.getJSONObject("user").getString("id");
        say("started " + session.getJSONObject("user").getString("name"));
        JSONObject joined = call(socket, "channel.join", new JSONObject().put("channel", room));
        say("joined " + joined.getJSONObject("result").getJSONObject("channel").getString("name"));
        JSONObject hello = new JSONObject().put("channel", room).put("text", "hello from " + name);
        JSONObject sent = call(socket, "message.send", hello);
        say("sent " + sent.getJSONObject("result").getJSONObject("message").getString("text"));
        JSONObject wrong = new JSONObject().put("channel", "nosuch").put("text", "?");
        JSONObject refused = call(socket, "message.send", wrong);
        say("refused " + refused.getJSONObject("error").getJSONObject("data").getString("type"));
        JSONObject message;
        do {
            message = take(received);
        } while (message.getString("author").equals(me));
        say("received " + message.getString("text"));

        BlockingQueue<String> gone = new LinkedBlockingQueue<>();
        socket.once(Socket.EVENT_DISCONNECT, reason -> gone.add(reason[0].toString()));
        socket.disconnect();
        gone.poll(30, TimeUnit.SECONDS);
        say("gone");
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();

        // The library declares auth as a map of texts, but makes JSON of it as it is: objects pass too.
        @SuppressWarnings({"unchecked", "rawtypes"})
        Map<String, String> resume = (Map) new HashMap<String, Object>(Map.of("token", token, "streams", position));
        socket = connect(url, args[4], resume, started, received, position);
        session = take(started);
        JSONArray channels = session.getJSONArray("channels");
        for (int i = 0; i < channels.length(); i++) {
            JSONObject it = channels.getJSONObject(i);
            if (it.getString("id").equals(room)) say("resumed " + it.getBoolean("resumed"));
        }
        do {
            message = take(received);
            say("again " + message.getString("text"));
        } while (!message.getString("text").equals("live again"));
        socket.disconnect();
        say("done");
        System.exit(0); // the library's threads would go on
    }

    private static Socket connect(String url, String way, Map<String, String> auth, BlockingQueue<JSONObject> started,
            BlockingQueue<JSONObject> received, JSONObject position) {
        IO.Options options = IO.Options.builder().setTransports(way.split(",")).setAuth(auth).setForceNew(true)
                .setReconnection(false).build();
        Socket socket = IO.socket(URI.create(url), options);
        socket.on("session.started", it -> started.add((JSONObject) it[0]));
        socket.on("message.created", it -> {
            try {
                JSONObject event = (JSONObject) it[0];
                JSONObject at = new JSONObject().put("epoch", event.getString("epoch")).put("seq", event.getLong("seq"));
                position.put(event.getString("stream"), at);
                received.add(event.getJSONObject("message"));
            } catch (JSONException wrong) {
                say("wrong event " + wrong.getMessage());
            }
        });
        socket.on(Socket.EVENT_CONNECT_ERROR, it -> say("connect_error " + it[0]));
        return socket.connect();
    }

    private static JSONObject call(Socket socket, String command, JSONObject params) throws Exception {
        BlockingQueue<JSONObject> answer = new LinkedBlockingQueue<>();
        socket.emit(command, new Object[] {params}, (Ack) it -> answer.add((JSONObject) it[0]));
        return take(answer);
    }

    private static JSONObject take(BlockingQueue<JSONObject> queue) throws Exception {
        JSONObject it = queue.poll(30, TimeUnit.SECONDS);
        if (it == null) throw new IllegalStateException("nothing came within 30 s");
        return it;
    }

    private static String signIn(String url, String name, String password) throws Exception {
        String body = new JSONObject().put("name", name).put("password", password).toString();
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/api/v1/auth.login"))
                .version(HttpClient.Version.HTTP_1_1).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        return new JSONObject(answer.body()).getString("token");
    }

    private static void say(String line) {
        OUT.println(line);
    }
}
