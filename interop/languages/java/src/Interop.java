import anam.ApiClient;
import anam.ApiException;
import anam.JSON;
import anam.api.AuthApi;
import anam.api.EngineApi;
import anam.auth.HttpBearerAuth;
import anam.model.ClientTool;
import anam.model.ClientToolType;
import anam.model.DirectStartRequest;
import anam.model.DirectorNotes;
import anam.model.EngineSession;
import anam.model.EngineSessionRequest;
import anam.model.EphemeralPersonaConfig;
import anam.model.EphemeralPersonaType;
import anam.model.ErrorResponse;
import anam.model.IceServerUrls;
import anam.model.PersonaConfig;
import anam.model.SessionTokenRequest;
import anam.model.SessionTokenResponse;
import anam.model.StatefulPersonaConfig;
import anam.model.TokenStartRequest;
import anam.model.Tool;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSerializer;
import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import okhttp3.OkHttpClient;

/** Does over the generated client what `interop/languages/README.md` asks of a program. */
public final class Interop {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private interface Call {
        Object send() throws ApiException;
    }

    public static void main(String[] arguments) throws IOException {
        String key = System.getenv("ANAM_API_KEY");
        // The generated class reads both forms of `urls`, but throws when it writes a list; so its content is written.
        JsonSerializer<IceServerUrls> written = (urls, type, context) -> context.serialize(urls.getActualInstance());
        JSON.setGson(JSON.getGson().newBuilder().registerTypeAdapter(IceServerUrls.class, written).create());

        PersonaConfig inline = new PersonaConfig(new EphemeralPersonaConfig()
                .type(EphemeralPersonaType.EPHEMERAL)
                .name("Cara")
                .avatarId("30fa96d0-26c4-4e55-94a0-517025942e18")
                .avatarModel("cara-4")
                .voiceId("6bfbe25a-979d-40f3-a92b-5394170af54b")
                .llmId("0934d97d-0c3a-4f33-91b0-5e136a0ef466")
                .directorNotes(new DirectorNotes().presetStyle("warm").expressivity(new BigDecimal("0.5")))
                .tools(List.of(new Tool(new ClientTool()
                        .type(ClientToolType.CLIENT)
                        .name("open_page")
                        .description("Opens a page of the shop.")))));
        PersonaConfig saved = new PersonaConfig(
                new StatefulPersonaConfig().personaId("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"));

        SessionTokenResponse minted = (SessionTokenResponse) step("token", () -> auth(key).createSessionToken(
                new SessionTokenRequest().personaConfig(inline).clientLabel("token").expiresIn("1h"), null));
        step("start", () -> engine("sessionToken", minted.getSessionToken())
                .createEngineSession(new EngineSessionRequest(new TokenStartRequest()), null));
        step("direct", () -> direct(key, saved, "direct"));
        step("extra", () -> direct(key, saved, "extra"));
        step("unauthorized", () -> auth("wrong-key").createSessionToken(
                new SessionTokenRequest().personaConfig(saved), null));
        step("limit", () -> direct(key, saved, "limit"));

        for (String line : Files.readAllLines(Path.of(System.getenv("ANAM_VECTORS")), StandardCharsets.UTF_8)) {
            roundTrip(JsonParser.parseString(line).getAsJsonObject());
        }
    }

    /** OkHttp would repeat a start whose connection breaks: a second session, without a word. */
    private static final OkHttpClient HTTP = new OkHttpClient.Builder().retryOnConnectionFailure(false).build();

    private static EngineSession direct(String key, PersonaConfig persona, String label) throws ApiException {
        DirectStartRequest body = new DirectStartRequest().personaConfig(persona).clientLabel(label);
        return engine("apiKey", key).createEngineSession(new EngineSessionRequest(body), null);
    }

    private static AuthApi auth(String key) {
        return new AuthApi(client("apiKey", key));
    }

    private static EngineApi engine(String scheme, String credential) {
        return new EngineApi(client(scheme, credential));
    }

    /** A client with one credential. `setBearerToken` of the client sets the first scheme only, whichever that is. */
    private static ApiClient client(String scheme, String credential) {
        ApiClient client = new ApiClient(HTTP).setBasePath(System.getenv("ANAM_API_URL"));
        ((HttpBearerAuth) client.getAuthentication(scheme)).setBearerToken(credential);
        return client;
    }

    private static Object step(String name, Call call) throws IOException {
        JsonObject line = new JsonObject();
        line.addProperty("step", name);
        Object answer = null;
        try {
            answer = call.send();
            line.add("result", JSON.getGson().toJsonTree(answer));
        } catch (ApiException error) {
            line.addProperty("status", error.getCode());
            line.add("result", JSON.getGson().toJsonTree(ErrorResponse.fromJson(error.getResponseBody())));
        }
        print(line);
        return answer;
    }

    private static void roundTrip(JsonObject body) {
        JsonObject line = new JsonObject();
        line.addProperty("step", "body");
        line.add("name", body.get("name"));
        try {
            Class<?> type = Class.forName("anam.model." + body.get("schema").getAsString());
            JsonElement encoded = JSON.getGson().toJsonTree(JSON.getGson().fromJson(body.get("body"), type), type);
            line.add("result", encoded);
        } catch (ReflectiveOperationException | RuntimeException error) {
            line.addProperty("error", String.valueOf(error.getMessage()));
        }
        print(line);
    }

    private static void print(JsonObject line) {
        OUT.println(line); // a JsonObject prints as JSON, nulls included, on one line
    }

    private Interop() {}
}
