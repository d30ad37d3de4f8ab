// What ../agent.py is, in JavaScript and with the plugin from npm: `node agent.mjs`.
import { ReadableStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import { AgentServer, ServerOptions, defineAgent, initializeLogger, voice } from '@livekit/agents';
import { AvatarSession } from '@livekit/agents-plugin-anam';
import { AudioFrame } from '@livekit/rtc-node';

const RATE = 24_000;
const STEP = RATE / 50;

function tone(hz, seconds) {
  let first = 0;
  return new ReadableStream({
    pull(controller) {
      if (first >= seconds * RATE) return controller.close();
      const wave = (_, i) => 12_000 * Math.sin((2 * Math.PI * hz * (first + i)) / RATE);
      const samples = Int16Array.from({ length: STEP }, wave);
      first += STEP;
      controller.enqueue(new AudioFrame(samples, RATE, 1, STEP));
    },
  });
}

export default defineAgent({
  entry: async (ctx) => {
    await ctx.connect();
    const session = new voice.AgentSession({});
    const avatar = new AvatarSession({
      personaConfig: { name: 'Cara', avatarId: '30fa96d0-26c4-4e55-94a0-517025942e18' },
    });
    const playbacks = [];

    const answers = (method, handler) =>
      ctx.room.localParticipant.registerRpcMethod(method, async (data) =>
        JSON.stringify((await handler(JSON.parse(data.payload))) ?? null),
      );
    answers('say', async ({ hz, seconds }) => {
      playbacks.length = 0;
      const said = session.say('la', { audio: tone(hz, seconds), addToChatCtx: false });
      await said.waitForPlayout();
      // An interrupted speech is over here before the avatar has told so.
      while (playbacks.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      return { interrupted: said.interrupted, playbacks };
    });
    answers('interrupt', () => void session.interrupt({ force: true }));
    answers('leave', () => avatar.aclose()); // the job ends with its room

    const began = Date.now() / 1000;
    const outcome = { began };
    try {
      await avatar.start(session, ctx.room);
      outcome.seconds = Date.now() / 1000 - began;
      await session.start({
        agent: new voice.Agent({ instructions: '' }),
        room: ctx.room,
        // Else the framework takes the avatar's audio output away again, saying that it does not.
        outputOptions: { audioEnabled: false },
      });
      session.output.audio.on('playbackFinished', ({ playbackPosition, interrupted }) =>
        playbacks.push({ position: playbackPosition, interrupted }),
      );
    } catch (error) {
      Object.assign(outcome, { seconds: Date.now() / 1000 - began, error: String(error), retryable: null });
    }
    await ctx.room.localParticipant.setAttributes({ outcome: JSON.stringify(outcome) });
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  initializeLogger({ pretty: false, level: 'warn' });
  const server = new AgentServer(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: 'face',
      loadFunc: async () => 0, // by default a busy machine is sent no job
      host: '127.0.0.1', // the health check would listen on every address
      port: 0,
      numIdleProcesses: 1,
      wsURL: process.env.LIVEKIT_URL,
      apiKey: process.env.LIVEKIT_API_KEY,
      apiSecret: process.env.LIVEKIT_API_SECRET,
      logLevel: 'warn',
      production: true,
    }),
  );
  server.event.once('worker_registered', () => console.log('ready'));
  await server.run();
}
