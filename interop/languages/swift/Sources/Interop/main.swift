// Does over the generated client what `interop/languages/README.md` asks of a program.

import Anam
import Foundation

struct Line: Decodable {
    let name: String
    let schema: String
    let body: JSONValue
}

let environment = ProcessInfo.processInfo.environment
let url = environment["ANAM_API_URL"]!
let key = environment["ANAM_API_KEY"]!

func bearer(_ credential: String) -> AnamAPIConfiguration {
    AnamAPIConfiguration(basePath: url, customHeaders: ["Authorization": "Bearer \(credential)"])
}

func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

func direct(_ persona: PersonaConfig, _ label: String) async throws -> EngineSession {
    let body = DirectStartRequest(personaConfig: persona, clientLabel: label)
    return try await EngineAPI.createEngineSession(
        engineSessionRequest: .typeDirectStartRequest(body), apiConfiguration: bearer(key))
}

@discardableResult
func step<Answer: Encodable>(_ name: String, _ call: () async throws -> Answer) async throws -> Answer? {
    do {
        let answer = try await call()
        print(#"{"step":"\#(name)","result":\#(try json(answer))}"#)
        return answer
    } catch Anam.ErrorResponse.error(let status, let data?, _, _) {
        // The contract's ErrorResponse; that name is taken by the client's own error.
        let error = try JSONDecoder().decode(ModelErrorResponse.self, from: data)
        print(#"{"step":"\#(name)","status":\#(status),"result":\#(try json(error))}"#)
        return nil
    }
}

func through<Type: Codable>(_ type: Type.Type, _ body: JSONValue) throws -> String {
    try json(JSONDecoder().decode(type, from: JSONEncoder().encode(body)))
}

func roundTrip(_ line: Line) throws {
    let encoded: String
    do {
        switch line.schema {
        case "SessionTokenRequest": encoded = try through(SessionTokenRequest.self, line.body)
        case "SessionTokenResponse": encoded = try through(SessionTokenResponse.self, line.body)
        case "TokenStartRequest": encoded = try through(TokenStartRequest.self, line.body)
        case "DirectStartRequest": encoded = try through(DirectStartRequest.self, line.body)
        case "EngineSession": encoded = try through(EngineSession.self, line.body)
        case "ErrorResponse": encoded = try through(ModelErrorResponse.self, line.body)
        default: fatalError("there is no type for \(line.schema)")
        }
    } catch let error as DecodingError {
        print(#"{"step":"body","name":\#(try json(line.name)),"error":\#(try json("\(error)"))}"#)
        return
    }
    print(#"{"step":"body","name":\#(try json(line.name)),"result":\#(encoded)}"#)
}

let tool = ClientTool(type: .client, name: "open_page", description: "Opens a page of the shop.")
let inline = PersonaConfig.typeEphemeralPersonaConfig(
    EphemeralPersonaConfig(
        type: .ephemeral,
        name: "Cara",
        avatarId: "30fa96d0-26c4-4e55-94a0-517025942e18",
        avatarModel: "cara-4",
        voiceId: "6bfbe25a-979d-40f3-a92b-5394170af54b",
        llmId: "0934d97d-0c3a-4f33-91b0-5e136a0ef466",
        directorNotes: DirectorNotes(presetStyle: "warm", expressivity: 0.5),
        tools: [.typeClientTool(tool)]
    ))
let saved = PersonaConfig.typeStatefulPersonaConfig(
    StatefulPersonaConfig(personaId: "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"))

let minted = try await step("token") {
    try await AuthAPI.createSessionToken(
        sessionTokenRequest: SessionTokenRequest(personaConfig: inline, clientLabel: "token", expiresIn: "1h"),
        apiConfiguration: bearer(key))
}
try await step("start") {
    try await EngineAPI.createEngineSession(
        engineSessionRequest: .typeTokenStartRequest(TokenStartRequest()),
        apiConfiguration: bearer(minted!.sessionToken))
}
try await step("direct") { try await direct(saved, "direct") }
try await step("extra") { try await direct(saved, "extra") }
try await step("unauthorized") {
    try await AuthAPI.createSessionToken(
        sessionTokenRequest: SessionTokenRequest(personaConfig: saved), apiConfiguration: bearer("wrong-key"))
}
try await step("limit") { try await direct(saved, "limit") }

for line in try String(contentsOfFile: environment["ANAM_VECTORS"]!, encoding: .utf8).split(separator: "\n") {
    try roundTrip(JSONDecoder().decode(Line.self, from: Data(line.utf8)))
}
