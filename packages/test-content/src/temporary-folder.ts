import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, onTestFinished, TestRunner } from 'vitest';

/**
 * Makes an empty folder and returns its path. It is removed when the test that calls this is over; if no test is running,
 * as in a suite or at the top of a file, when the tests of that suite or file are over.
 */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'soci-test-')));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (TestRunner.getCurrentTest() === undefined) afterAll(remove);
  else onTestFinished(remove);
  return folder;
}

/** A temporary folder as the home of a user, with files of configuration and credential helpers. */
export interface HomeFolder {
  readonly path: string;
  /** Environment with this folder as the home, and as the only place of credential helpers besides the system's. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file, as JSON unless it is text, and returns its path. */
  write(name: string, content: unknown): Promise<string>;
  /** Writes `docker-credential-NAME`, a shell script. */
  writeHelper(name: string, script: string): Promise<void>;
  /** Removes it. */
  remove(): Promise<void>;
}

/** Makes a {@link HomeFolder}; the caller removes it. */
export async function createHomeFolder(): Promise<HomeFolder> {
  const path = await mkdtemp(join(tmpdir(), 'soci-home-'));
  const write = async (name: string, content: unknown) => {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  return {
    path,
    env: { HOME: path, PATH: `${path}/bin:/usr/bin:/bin` },
    write,
    async writeHelper(name, script) {
      await chmod(await write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`), 0o755);
    },
    remove: () => rm(path, { recursive: true }),
  };
}
