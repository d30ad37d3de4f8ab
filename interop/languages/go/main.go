// Starts sessions with the client that oapi-codegen makes of openapi.yaml, and sends the shared bodies through its types.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"anam.example/interop/anam"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := sessions(ctx); err != nil {
		return err
	}
	return bodies(os.Getenv("ANAM_VECTORS"))
}

// The bearer is chosen call by call: the API key for all but the start with a session token.
func bearer(credential string) anam.RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+credential)
		return nil
	}
}

func sessions(ctx context.Context) error {
	client, err := anam.NewClientWithResponses(os.Getenv("ANAM_API_URL"))
	if err != nil {
		return err
	}
	key := bearer(os.Getenv("ANAM_API_KEY"))

	inline, err := inlinePersona()
	if err != nil {
		return err
	}
	minted, err := client.CreateSessionTokenWithResponse(ctx, nil, anam.SessionTokenRequest{
		PersonaConfig: inline,
		ClientLabel:   ptr("token"),
		ExpiresIn:     ptr("1h"),
	}, key)
	if err != nil {
		return err
	}
	if minted.JSON200 == nil {
		return fmt.Errorf("minting: %s", minted.Status())
	}
	say(map[string]any{"step": "token", "result": minted.JSON200})

	var withToken anam.EngineSessionRequest
	if err := withToken.FromTokenStartRequest(anam.TokenStartRequest{}); err != nil {
		return err
	}
	if err := start(ctx, client, "start", withToken, bearer(minted.JSON200.SessionToken)); err != nil {
		return err
	}

	for _, step := range []string{"direct", "extra"} {
		body, err := directStart(step)
		if err != nil {
			return err
		}
		if err := start(ctx, client, step, body, key); err != nil {
			return err
		}
	}

	saved, err := savedPersona()
	if err != nil {
		return err
	}
	refused, err := client.CreateSessionTokenWithResponse(
		ctx, nil, anam.SessionTokenRequest{PersonaConfig: saved}, bearer("wrong-key"))
	if err != nil {
		return err
	}
	say(map[string]any{"step": "unauthorized", "status": refused.StatusCode(), "result": refused.JSON401})

	body, err := directStart("limit")
	if err != nil {
		return err
	}
	full, err := client.CreateEngineSessionWithResponse(ctx, nil, body, key)
	if err != nil {
		return err
	}
	say(map[string]any{"step": "limit", "status": full.StatusCode(), "result": full.JSON429})
	return nil
}

func start(
	ctx context.Context,
	client *anam.ClientWithResponses,
	step string,
	body anam.EngineSessionRequest,
	credential anam.RequestEditorFn,
) error {
	answer, err := client.CreateEngineSessionWithResponse(ctx, nil, body, credential)
	if err != nil {
		return err
	}
	session := answer.JSON200
	if session == nil {
		session = answer.JSON201
	}
	if session == nil {
		return fmt.Errorf("%s: %s", step, answer.Status())
	}
	say(map[string]any{"step": step, "result": session})
	return nil
}

func inlinePersona() (anam.PersonaConfig, error) {
	var tool anam.Tool
	var persona anam.PersonaConfig
	err := tool.FromClientTool(anam.ClientTool{
		Type:        anam.ClientToolTypeClient,
		Name:        "open_page",
		Description: ptr("Opens a page of the shop."),
	})
	if err != nil {
		return persona, err
	}
	err = persona.FromEphemeralPersonaConfig(anam.EphemeralPersonaConfig{
		Type:          ptr(anam.EphemeralPersonaTypeEphemeral),
		Name:          ptr("Cara"),
		AvatarId:      ptr("30fa96d0-26c4-4e55-94a0-517025942e18"),
		AvatarModel:   ptr("cara-4"),
		VoiceId:       ptr("6bfbe25a-979d-40f3-a92b-5394170af54b"),
		LlmId:         ptr("0934d97d-0c3a-4f33-91b0-5e136a0ef466"),
		DirectorNotes: &anam.DirectorNotes{PresetStyle: ptr("warm"), Expressivity: ptr(0.5)},
		Tools:         &[]anam.Tool{tool},
	})
	return persona, err
}

func savedPersona() (anam.PersonaConfig, error) {
	var persona anam.PersonaConfig
	err := persona.FromStatefulPersonaConfig(
		anam.StatefulPersonaConfig{PersonaId: "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"})
	return persona, err
}

func directStart(label string) (anam.EngineSessionRequest, error) {
	var body anam.EngineSessionRequest
	persona, err := savedPersona()
	if err != nil {
		return body, err
	}
	err = body.FromDirectStartRequest(anam.DirectStartRequest{PersonaConfig: persona, ClientLabel: &label})
	return body, err
}

func bodies(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	types := map[string]func() any{
		"SessionTokenRequest":  func() any { return new(anam.SessionTokenRequest) },
		"SessionTokenResponse": func() any { return new(anam.SessionTokenResponse) },
		"TokenStartRequest":    func() any { return new(anam.TokenStartRequest) },
		"DirectStartRequest":   func() any { return new(anam.DirectStartRequest) },
		"EngineSession":        func() any { return new(anam.EngineSession) },
		"ErrorResponse":        func() any { return new(anam.ErrorResponse) },
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var shared struct {
			Name, Schema string
			Body         json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &shared); err != nil {
			return err
		}
		build, known := types[shared.Schema]
		if !known {
			return fmt.Errorf("there is no type for %s", shared.Schema)
		}
		value := build()
		if err := json.Unmarshal(shared.Body, value); err != nil {
			say(map[string]any{"step": "body", "name": shared.Name, "error": err.Error()})
			continue
		}
		if err := throughUnions(value); err != nil {
			say(map[string]any{"step": "body", "name": shared.Name, "error": err.Error()})
			continue
		}
		say(map[string]any{"step": "body", "name": shared.Name, "result": value})
	}
	return lines.Err()
}

// A union of oapi-codegen's keeps the JSON it was read from; only As… decodes it. So that the members' types take part,
// each persona is decoded as the one that it is, and put back.
func throughUnions(value any) error {
	switch request := value.(type) {
	case *anam.SessionTokenRequest:
		return throughPersona(&request.PersonaConfig)
	case *anam.DirectStartRequest:
		return throughPersona(&request.PersonaConfig)
	}
	return nil
}

func throughPersona(persona *anam.PersonaConfig) error {
	if saved, err := persona.AsStatefulPersonaConfig(); err != nil {
		return err
	} else if saved.PersonaId != "" {
		return persona.FromStatefulPersonaConfig(saved)
	}
	inline, err := persona.AsEphemeralPersonaConfig()
	if err != nil {
		return err
	}
	return persona.FromEphemeralPersonaConfig(inline)
}

func say(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // a value of the generated types that cannot be encoded
	}
	fmt.Println(string(text))
}

func ptr[T any](value T) *T {
	return &value
}
