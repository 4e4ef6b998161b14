import { parentPort } from 'node:worker_threads';
import { startTestRegistry } from '@soci/test-registry';
import type { RegistryMessage, RegistryQuestion } from './registry-thread.ts';

// The registry of the demonstration, in a thread of its own: what it does costs the program that talks to it nothing.
const registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
const { host, awsEndpoint, credentials: account } = registry;

const say = (message: RegistryMessage) => parentPort?.postMessage(message);

registry.onEvent((event) => say({ type: 'event', event }));

parentPort?.on('message', (question: RegistryQuestion) => {
  if (question === 'stop') {
    void registry.stop().then(() => parentPort?.close());
    return;
  }
  const traffic = {
    requests: registry.requests.length,
    bytesIn: registry.requests.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
    bytesOut: registry.requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0),
  };
  say({ type: 'traffic', traffic });
});

say({ type: 'started', host, awsEndpoint, account });
