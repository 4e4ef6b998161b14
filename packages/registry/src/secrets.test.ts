import type { IncomingMessage, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { MEDIA_TYPE_OCI_IMAGE_MANIFEST, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { collect, contentOf, everythingIn, smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openScriptedRepository, type Script } from './fixtures/scripted-registry.ts';
import type { RequestEvent } from './options.ts';

const CREDENTIALS = { kind: 'password', username: 'user', password: 'SECRET-password' } as const;
const STATE = 'SECRET-state';

/** Echoes everything it received in every part of the response. */
function echo({ headers, url }: IncomingMessage, response: ServerResponse, status: number): void {
  const authorization = headers.authorization ?? '';
  const [, credentials = ''] = authorization.split(' ');
  const sent = `${authorization} ${credentials} ${Buffer.from(credentials, 'base64')} ${url} _state=${STATE}`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'docker-content-digest': sent,
    'content-range': sent,
    'oci-subject': sent,
    'www-authenticate': 'Basic realm="r"',
    warning: sent,
  });
  response.end(
    JSON.stringify({ errors: [{ code: sent, message: sent, detail: sent }], tags: [sent], manifests: [sent] }),
  );
}

/**
 * Returns a registry that requires credentials, opens uploads with a state, and answers other requests with a status
 * and an echo.
 */
const echoing =
  (status: number): Script =>
  (request, response) => {
    const location = `/v2/team/app/blobs/uploads/1?_state=${STATE}`;
    if (request.headers.authorization === undefined) echo(request, response, 401);
    else if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST') response.writeHead(202, { location }).end();
    else echo(request, response, status);
  };

test.each([200, 206, 400, 401, 403, 404, 405, 416, 429, 503])(
  'keeps secrets out of errors and events if a registry echoes them with status %i',
  async (status) => {
    const events: RequestEvent[] = [];
    const { repository } = await openScriptedRepository(echoing(status), {
      credentials: async () => CREDENTIALS,
      onRequest: (event) => events.push(event),
    });
    const blob = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a blob');
    const { manifest } = smallImage();
    const outcomes = await Promise.allSettled([
      repository.resolve('v1'),
      collect(repository.fetch(blob.descriptor)),
      repository.fetchRange(blob.descriptor, { offset: 1, length: 2 }),
      repository.push(blob.descriptor, blob.bytes),
      repository.pushManifest(manifest.descriptor, manifest.bytes, { tag: 'v1' }),
      collect(repository.tags()),
      collect(repository.referrers({ ...blob.descriptor, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST })),
      repository.delete('v1'),
    ]);
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(failures.length).toBeGreaterThanOrEqual(4);
    const texts = [failures, events, repository].map((thing) => inspect(thing, { depth: 20, showHidden: true }));
    for (const text of [...texts, ...failures.map(everythingIn)]) {
      expect(text).not.toContain('SECRET');
      expect(text).not.toContain(Buffer.from(`${CREDENTIALS.username}:${CREDENTIALS.password}`).toString('base64'));
    }
  },
);
