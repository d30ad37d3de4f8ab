import anam.apis.AuthApi
import anam.apis.EngineApi
import anam.infrastructure.ApiClient
import anam.infrastructure.ClientError
import anam.infrastructure.ClientException
import anam.infrastructure.Serializer
import anam.models.ClientTool
import anam.models.ClientToolType
import anam.models.DirectStartRequest
import anam.models.DirectorNotes
import anam.models.EngineSession
import anam.models.EngineSessionRequest
import anam.models.EphemeralPersonaConfig
import anam.models.EphemeralPersonaType
import anam.models.ErrorResponse
import anam.models.PersonaConfig
import anam.models.SessionTokenRequest
import anam.models.SessionTokenResponse
import anam.models.StatefulPersonaConfig
import anam.models.TokenStartRequest
import anam.models.Tool
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.decodeFromJsonElement
import kotlinx.serialization.json.encodeToJsonElement
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import okhttp3.OkHttpClient
import java.io.File
import java.io.PrintStream

// Does over the generated client what `interop/languages/README.md` asks of a program.

private val output = PrintStream(System.out, true, "UTF-8")
private val url: String = System.getenv("ANAM_API_URL")

/** OkHttp would repeat a start whose connection breaks: a second session, without a word. */
private val http = OkHttpClient.Builder().retryOnConnectionFailure(false).build()
private val json: Json by lazy { Serializer.kotlinxSerializationJson }

@OptIn(ExperimentalSerializationApi::class)
fun main() {
    // The generated client sends every field that was not set as null, which the server refuses.
    Serializer.kotlinxSerializationJsonConfiguration = { explicitNulls = false }
    val key = System.getenv("ANAM_API_KEY")

    val tool = Tool.ClientToolValue(
        ClientTool(ClientToolType.client, name = "open_page", description = "Opens a page of the shop."),
    )
    val inline = PersonaConfig.EphemeralPersonaConfigValue(
        EphemeralPersonaConfig(
            type = EphemeralPersonaType.ephemeral,
            name = "Cara",
            avatarId = "30fa96d0-26c4-4e55-94a0-517025942e18",
            avatarModel = "cara-4",
            voiceId = "6bfbe25a-979d-40f3-a92b-5394170af54b",
            llmId = "0934d97d-0c3a-4f33-91b0-5e136a0ef466",
            directorNotes = DirectorNotes(presetStyle = "warm", expressivity = 0.5),
            tools = listOf(tool),
        ),
    )
    val saved = PersonaConfig.StatefulPersonaConfigValue(
        StatefulPersonaConfig(personaId = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"),
    )

    val minted = step("token") {
        auth(key).createSessionToken(SessionTokenRequest(inline, clientLabel = "token", expiresIn = "1h"))
    }
    step("start") {
        val body = EngineSessionRequest.TokenStartRequestValue(TokenStartRequest())
        engine(checkNotNull(minted).sessionToken).createEngineSession(body)
    }
    step("direct") { direct(key, saved, "direct") }
    step("extra") { direct(key, saved, "extra") }
    step("unauthorized") { auth("wrong-key").createSessionToken(SessionTokenRequest(saved)) }
    step("limit") { direct(key, saved, "limit") }

    File(System.getenv("ANAM_VECTORS")).forEachLine { roundTrip(json.parseToJsonElement(it)) }
}

private fun direct(key: String, persona: PersonaConfig, label: String): EngineSession {
    val body = DirectStartRequest(persona, clientLabel = label)
    return engine(key).createEngineSession(EngineSessionRequest.DirectStartRequestValue(body))
}

private fun auth(credential: String) = AuthApi(url, http).with(credential)

private fun engine(credential: String) = EngineApi(url, http).with(credential)

/** The client asks this function for its bearer; without one, all clients share a variable. */
private fun <Api : ApiClient> Api.with(credential: String): Api = apply { accessTokenProvider = { credential } }

private inline fun <reified Answer> step(name: String, call: () -> Answer): Answer? {
    try {
        val answer = call()
        print("step" to JsonPrimitive(name), "result" to json.encodeToJsonElement(answer))
        return answer
    } catch (error: ClientException) {
        val body = (error.response as ClientError<*>).body as String
        print(
            "step" to JsonPrimitive(name),
            "status" to JsonPrimitive(error.statusCode),
            "result" to json.encodeToJsonElement(json.decodeFromString<ErrorResponse>(body)),
        )
        return null
    }
}

private fun roundTrip(line: JsonElement) {
    val (name, schema, body) = listOf("name", "schema", "body").map { line.jsonObject.getValue(it) }
    val outcome = try {
        "result" to when (schema.jsonPrimitive.content) {
            "SessionTokenRequest" -> through<SessionTokenRequest>(body)
            "SessionTokenResponse" -> through<SessionTokenResponse>(body)
            "TokenStartRequest" -> through<TokenStartRequest>(body)
            "DirectStartRequest" -> through<DirectStartRequest>(body)
            "EngineSession" -> through<EngineSession>(body)
            "ErrorResponse" -> through<ErrorResponse>(body)
            else -> throw IllegalArgumentException("no type of that name")
        }
    } catch (error: IllegalArgumentException) { // a SerializationException is one
        "error" to JsonPrimitive(error.message)
    }
    print("step" to JsonPrimitive("body"), "name" to name, outcome)
}

private inline fun <reified Type> through(body: JsonElement): JsonElement =
    json.encodeToJsonElement(json.decodeFromJsonElement<Type>(body))

private fun print(vararg fields: Pair<String, JsonElement>) {
    output.println(buildJsonObject { fields.forEach { (name, value) -> put(name, value) } })
}
