import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, onTestFinished, TestRunner } from 'vitest';

/**
 * Creates an empty folder and returns its path. Removes it after the current test or, if called outside a test, after all
 * tests of the suite or file.
 */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'soci-test-')));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (TestRunner.getCurrentTest() === undefined) afterAll(remove);
  else onTestFinished(remove);
  return folder;
}

/** A temporary home folder with configuration files and credential helpers. */
export interface HomeFolder {
  readonly path: string;
  /** Environment variables with this folder as HOME and its `bin` first in PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file and returns its path. Content that is not a string is written as JSON. */
  write(name: string, content: unknown): Promise<string>;
  /** Writes `docker-credential-NAME`, a shell script. */
  writeHelper(name: string, script: string): Promise<void>;
  /** Removes the folder. */
  remove(): Promise<void>;
}

/** Creates a {@link HomeFolder}. The caller must remove it. */
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
