import { parentPort } from 'node:worker_threads';
import { startTestRegistry } from '@soci/test-registry';
import type { RegistryAnswer, RegistryQuestion } from './registry-messages.ts';

// The registry of the demonstration, in a thread of its own: what it does costs the program that talks to it nothing.
const registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });

const answer = (message: RegistryAnswer) => parentPort?.postMessage(message);

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
  registry.clearRequests();
  answer({ type: 'traffic', traffic });
});

answer({ type: 'started', host: registry.host, account: registry.credentials });
