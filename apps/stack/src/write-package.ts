import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type DeploymentPackage, TEMPLATE_KEY } from './deployment-package.ts';
import { isFunctionKey } from './function-keys.ts';

/**
 * Writes a package to a folder that is new or empty, or in place of an earlier package: whole, or not at all.
 *
 * @throws Error where something else is there, which stays as it is.
 */
export function writePackage({ files }: DeploymentPackage, folder: string): void {
  const isThere = existsSync(folder);
  // A link to a folder stays one.
  const place = isThere ? realpathSync(folder) : folder;
  if (isThere) checkReplaceable(place);
  mkdirSync(dirname(place), { recursive: true });
  // Beside it, since a rename does not leave a disk; under a name that nobody has.
  const aside = mkdtempSync(join(dirname(place), `.${basename(place)}-`));
  try {
    const made = join(aside, 'made');
    for (const [key, content] of files) {
      const path = join(made, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const earlier = join(aside, 'earlier');
    if (isThere) renameSync(place, earlier);
    try {
      renameSync(made, place);
    } catch (error) {
      if (isThere) renameSync(earlier, place);
      throw error;
    }
  } finally {
    rmSync(aside, { recursive: true });
  }
}

/** Uploads a package to a bucket, the template last. The AWS SDK finds credentials and the Region in its own way. */
export async function uploadPackage({ files }: DeploymentPackage, bucket: string): Promise<void> {
  const client = new S3Client({ followRegionRedirects: true });
  for (const [Key, Body] of files) {
    const ContentType = Key.endsWith('.json') ? 'application/json' : 'application/zip';
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType }));
  }
}

function checkReplaceable(folder: string): void {
  const remedy = 'nothing was written; name a folder that is new, empty or holds an earlier package only';
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder: ${remedy}`);
  const foreign = findForeign(folder);
  if (foreign !== undefined) throw new Error(`${folder} holds ${foreign}, which is of no package: ${remedy}`);
}

/**
 * Looks for what a folder has besides one package, of whatever version and prefix.
 *
 * @returns The first path of that, below the folder; undefined where all is of a package, or there is nothing.
 */
function findForeign(folder: string): string | undefined {
  const leaves = [...listLeaves(folder)];
  const template = leaves.find((leaf) => leaf === TEMPLATE_KEY || leaf.endsWith(`/${TEMPLATE_KEY}`));
  const prefix = template?.slice(0, -TEMPLATE_KEY.length);
  return leaves.find((leaf) => {
    const isOurs = prefix !== undefined && leaf.startsWith(prefix) && isFunctionKey(leaf.slice(prefix.length));
    return leaf !== template && !isOurs;
  });
}

/** Files by their keys; all else, an empty folder too, with a text that no key has. */
function* listLeaves(folder: string, key = ''): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield `${key}${entry.name}`;
    else if (!entry.isDirectory()) yield `${key}${entry.name} (no file)`;
    else if (readdirSync(path).length === 0) yield `${key}${entry.name}/ (empty)`;
    else yield* listLeaves(path, `${key}${entry.name}/`);
  }
}
