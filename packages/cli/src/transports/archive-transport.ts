import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { archiveChunks, openArchive } from '@soci/oci/layout';
import { CliError } from '../errors.ts';
import { writeAside } from '../write-aside.ts';
import { checkKind } from './check-kind.ts';
import { chooseRoot, destinationName } from './choose-root.ts';
import { countBytes } from './count-bytes.ts';
import type { LayoutLocation } from './location.ts';
import type { Delivery, Transport } from './transport.ts';

/** `oci-archive:FILE[:TAG]`: an OCI image layout in a tar file. One that is written replaces what was there. */
export const archiveTransport: Transport<LayoutLocation> = {
  async openSource(location) {
    await checkKind(location);
    const store = await openArchive(location.path);
    try {
      const root = await chooseRoot(store, location);
      return { location, store, root, checkUnmoved: async () => {}, close: () => store.close() };
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
      deliver: (delivery) => writeAside(location.path, archiveOf(delivery)),
      async close() {},
    };
  },
};

async function* archiveOf(delivery: Delivery): AsyncGenerator<Uint8Array, void, undefined> {
  const { roots, signal, beforeNaming } = delivery;
  yield* archiveChunks(countBytes(delivery), roots, { signal });
  // The file has its name when it is whole.
  await beforeNaming();
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
