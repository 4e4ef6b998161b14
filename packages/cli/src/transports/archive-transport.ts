import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { openArchive, writeArchive } from '@soci/oci/layout';
import { CliError } from '../errors.ts';
import { checkKind } from './check-kind.ts';
import { chooseRoot, destinationName } from './choose-root.ts';
import type { Delivery, Transport } from './transport.ts';

/** `oci-archive:FILE[:TAG]`: an OCI image layout in a tar file. One that is written replaces what was there. */
export const archiveTransport: Transport = {
  async openSource(location) {
    await checkKind(location);
    const store = await openArchive(location.path);
    try {
      return { location, store, root: await chooseRoot(store, location), close: () => store.close() };
    } catch (error) {
      await store.close();
      throw error;
    }
  },

  async openDestination(location) {
    destinationName(location);
    await checkPlace(location.path);
    return {
      location,
      deliver: ({ content, roots, signal, onBytes }) =>
        writeArchive(location.path, countBytes(content, onBytes), roots, { signal }),
      async close() {},
    };
  },
};

/** The same store; tells of what is read from it. */
function countBytes(store: Delivery['content'], onBytes: (bytes: number) => void): Delivery['content'] {
  return {
    exists: (target, options) => store.exists(target, options),
    async *fetch(target, options) {
      for await (const chunk of store.fetch(target, options)) {
        onBytes(chunk.length);
        yield chunk;
      }
    },
  };
}

async function checkPlace(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) {
    throw new CliError('DESTINATION_INVALID', `${path} is there, and is no file`, {
      remedy: there.isDirectory() ? `For a layout folder write oci:${path}` : 'Name another file.',
    });
  }
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new CliError('FILE_UNWRITABLE', `nothing can be written to ${folder}`, { cause });
  });
}
