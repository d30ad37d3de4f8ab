<?php

/** Does over the generated client what `interop/languages/README.md` asks of a program. */

declare(strict_types=1);

use Anam\Api\AuthApi;
use Anam\Api\EngineApi;
use Anam\ApiException;
use Anam\Configuration;
use Anam\Model\ClientTool;
use Anam\Model\ClientToolType;
use Anam\Model\DirectorNotes;
use Anam\Model\DirectStartRequest;
use Anam\Model\EngineSession;
use Anam\Model\EphemeralPersonaConfig;
use Anam\Model\EphemeralPersonaType;
use Anam\Model\ErrorResponse;
use Anam\Model\ModelInterface;
use Anam\Model\SessionTokenRequest;
use Anam\Model\StatefulPersonaConfig;
use Anam\Model\TokenStartRequest;
use Anam\ObjectSerializer;
use GuzzleHttp\Client;

error_reporting(E_ALL);
set_error_handler(function (int $level, string $message, string $file, int $line): never {
    throw new ErrorException($message, 0, $level, $file, $line); // a warning is a failure
});

require 'GuzzleHttp/autoload.php'; // on the include path, where Debian puts it
spl_autoload_register(function (string $class) use ($argv): void {
    if (str_starts_with($class, 'Anam\\')) {
        require "{$argv[1]}/src/" . strtr(substr($class, 5), '\\', '/') . '.php';
    }
});

const JSON = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION;

function configuration(string $credential): Configuration
{
    return (new Configuration())->setHost(getenv('ANAM_API_URL'))->setAccessToken($credential);
}

/** One HTTP client for all calls, as a program would have. */
function http(): Client
{
    static $client = null;
    return $client ??= new Client([
        // libcurl would repeat a start when a connection breaks that it has used before: a second session, without a word.
        'curl' => [CURLOPT_FORBID_REUSE => true],
        'proxy' => '', // whatever the environment says: the sandbox is on this machine
    ]);
}

function auth(string $credential): AuthApi
{
    return new AuthApi(http(), configuration($credential));
}

function engine(string $credential): EngineApi
{
    return new EngineApi(http(), configuration($credential));
}

function direct(string $key, StatefulPersonaConfig $persona, string $label): EngineSession
{
    $body = new DirectStartRequest(['persona_config' => $persona, 'client_label' => $label]);
    return engine($key)->createEngineSession($body);
}

/** @param array<string, mixed> $line */
function say(array $line): void
{
    echo json_encode($line, JSON), "\n";
}

function encoded(ModelInterface $value): mixed
{
    return ObjectSerializer::sanitizeForSerialization($value);
}

function step(string $name, callable $call): ?ModelInterface
{
    try {
        $answer = $call();
        say(['step' => $name, 'result' => encoded($answer)]);
        return $answer;
    } catch (ApiException $error) {
        $answer = $error->getResponseObject();
        assert($answer instanceof ErrorResponse);
        say(['step' => $name, 'status' => $error->getCode(), 'result' => encoded($answer)]);
        return null;
    }
}

function roundTrip(string $line): void
{
    $body = json_decode($line, flags: JSON_THROW_ON_ERROR);
    $said = ['step' => 'body', 'name' => $body->name];
    try {
        $said['result'] = encoded(ObjectSerializer::deserialize($body->body, "\\Anam\\Model\\{$body->schema}"));
    } catch (InvalidArgumentException | TypeError $error) {
        $said['error'] = $error->getMessage();
    }
    say($said);
}

$key = getenv('ANAM_API_KEY');
$inline = new EphemeralPersonaConfig([
    'type' => EphemeralPersonaType::EPHEMERAL,
    'name' => 'Cara',
    'avatar_id' => '30fa96d0-26c4-4e55-94a0-517025942e18',
    'avatar_model' => 'cara-4',
    'voice_id' => '6bfbe25a-979d-40f3-a92b-5394170af54b',
    'llm_id' => '0934d97d-0c3a-4f33-91b0-5e136a0ef466',
    'director_notes' => new DirectorNotes(['preset_style' => 'warm', 'expressivity' => 0.5]),
    'tools' => [new ClientTool([
        'type' => ClientToolType::CLIENT,
        'name' => 'open_page',
        'description' => 'Opens a page of the shop.',
    ])],
]);
$saved = new StatefulPersonaConfig(['persona_id' => '8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506']);

$minted = step('token', fn () => auth($key)->createSessionToken(
    new SessionTokenRequest(['persona_config' => $inline, 'client_label' => 'token', 'expires_in' => '1h']),
));
step('start', fn () => engine($minted->getSessionToken())->createEngineSession(new TokenStartRequest()));
step('direct', fn () => direct($key, $saved, 'direct'));
step('extra', fn () => direct($key, $saved, 'extra'));
step('unauthorized', fn () => auth('wrong-key')->createSessionToken(
    new SessionTokenRequest(['persona_config' => $saved]),
));
step('limit', fn () => direct($key, $saved, 'limit'));

foreach (file(getenv('ANAM_VECTORS'), FILE_IGNORE_NEW_LINES) as $line) {
    roundTrip($line);
}
