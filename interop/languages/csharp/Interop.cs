using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using Anam.Api;
using Anam.Client;
using Anam.Model;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

/// <summary>Does over the generated client what `interop/languages/README.md` asks of a program.</summary>
public static class Interop
{
    private static readonly string Url = Environment.GetEnvironmentVariable("ANAM_API_URL");
    private static readonly string Key = Environment.GetEnvironmentVariable("ANAM_API_KEY");

    // One for all calls, as a program would have.
    private static readonly HttpClient Http = new HttpClient();

    // By itself Newtonsoft takes strings that look like dates for dates.
    private static readonly JsonSerializerSettings AsItIs =
        new JsonSerializerSettings { DateParseHandling = DateParseHandling.None };

    public static void Main()
    {
        var tool = new ClientTool(ClientToolType.Client, "open_page", "Opens a page of the shop.");
        var inline = new PersonaConfig(new EphemeralPersonaConfig(
            type: EphemeralPersonaType.Ephemeral,
            name: "Cara",
            avatarId: "30fa96d0-26c4-4e55-94a0-517025942e18",
            avatarModel: "cara-4",
            voiceId: "6bfbe25a-979d-40f3-a92b-5394170af54b",
            llmId: "0934d97d-0c3a-4f33-91b0-5e136a0ef466",
            directorNotes: new DirectorNotes(presetStyle: "warm", expressivity: 0.5m),
            tools: new List<Tool> { new Tool(tool) }));
        var saved = new PersonaConfig(new StatefulPersonaConfig("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"));

        var minted = Step("token", () => Auth(Key).CreateSessionToken(
            new SessionTokenRequest(inline, clientLabel: "token", expiresIn: "1h")));
        Step("start", () => Engine(minted.SessionToken).CreateEngineSession(
            new EngineSessionRequest(new TokenStartRequest())));
        Step("direct", () => Direct(saved, "direct"));
        Step("extra", () => Direct(saved, "extra"));
        Step("unauthorized", () => Auth("wrong-key").CreateSessionToken(
            new SessionTokenRequest(saved)));
        Step("limit", () => Direct(saved, "limit"));

        foreach (var line in File.ReadLines(Environment.GetEnvironmentVariable("ANAM_VECTORS")))
        {
            RoundTrip((JObject)Parse(line));
        }
    }

    private static EngineSession Direct(PersonaConfig persona, string label)
    {
        var body = new DirectStartRequest(persona, clientLabel: label);
        return Engine(Key).CreateEngineSession(new EngineSessionRequest(body));
    }

    private static AuthApi Auth(string credential) => new AuthApi(Http, Configured(credential));

    private static EngineApi Engine(string credential) => new EngineApi(Http, Configured(credential));

    private static Configuration Configured(string credential) =>
        new Configuration { BasePath = Url, AccessToken = credential };

    private static T Step<T>(string name, Func<T> call)
        where T : class
    {
        try
        {
            var answer = call();
            Say(new JObject { ["step"] = name, ["result"] = Encoded(answer) });
            return answer;
        }
        catch (ApiException error)
        {
            var answer = JsonConvert.DeserializeObject<ErrorResponse>((string)error.ErrorContent, AsItIs);
            Say(new JObject { ["step"] = name, ["status"] = error.ErrorCode, ["result"] = Encoded(answer) });
            return null;
        }
    }

    private static void RoundTrip(JObject body)
    {
        var said = new JObject { ["step"] = "body", ["name"] = body["name"] };
        try
        {
            var type = typeof(PersonaConfig).Assembly.GetType("Anam.Model." + (string)body["schema"], throwOnError: true);
            said["result"] = Encoded(JsonConvert.DeserializeObject(body["body"].ToString(), type, AsItIs));
        }
        catch (Exception error) when (error is JsonException || error is InvalidDataException || error is ArgumentException)
        {
            said["error"] = error.Message;
        }
        Say(said);
    }

    private static JToken Encoded(object value) => Parse(JsonConvert.SerializeObject(value));

    private static JToken Parse(string json) => JsonConvert.DeserializeObject<JToken>(json, AsItIs);

    private static void Say(JObject line) => Console.WriteLine(line.ToString(Formatting.None));
}
