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
import { type DeploymentPackage, JOBS_TEMPLATE_KEY, SCRIPT, TEMPLATE_KEY } from './deployment-package.ts';
import { isZipKey } from './function-keys.ts';

/**
 * Writes a package to a new or empty folder, or replaces an earlier package. The folder is never incomplete.
 *
 * @throws Error if the folder contains other files. Nothing is changed then.
 */
export function writePackage({ files, script }: DeploymentPackage, folder: string): void {
  const exists = existsSync(folder);
  // Keep a link to a folder.
  const target = exists ? realpathSync(folder) : folder;
  if (exists) checkReplaceable(target);
  mkdirSync(dirname(target), { recursive: true });
  // A unique folder next to the target, because a rename works only within a file system.
  const temporary = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
  try {
    const made = join(temporary, 'made');
    for (const [key, content] of files) {
      const path = join(made, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    writeFileSync(join(made, SCRIPT), script, { mode: 0o755 });
    const earlier = join(temporary, 'earlier');
    if (exists) renameSync(target, earlier);
    try {
      renameSync(made, target);
    } catch (error) {
      if (exists) renameSync(earlier, target);
      throw error;
    }
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** Uploads a package to a bucket, the template last. Uses the default credentials and Region of the AWS SDK. */
export async function uploadPackage({ files }: DeploymentPackage, bucket: string): Promise<void> {
  const client = new S3Client({ followRegionRedirects: true });
  for (const [Key, Body] of files) {
    const ContentType = Key.endsWith('.json') ? 'application/json' : 'application/zip';
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType }));
  }
}

function checkReplaceable(folder: string): void {
  const remedy = 'Nothing was written: use a new folder, an empty one, or one that contains only an earlier package';
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder. ${remedy}`);
  const foreign = findForeign(folder);
  if (foreign !== undefined)
    throw new Error(`${folder} contains ${foreign}, which is not part of a package. ${remedy}`);
}

/**
 * Finds a file that is not part of a package of any version and prefix.
 *
 * @returns The first path, relative to the folder. Undefined if the folder is empty or contains only a package.
 */
function findForeign(folder: string): string | undefined {
  const leaves = [...listLeaves(folder)];
  const template = leaves.find((leaf) => leaf === TEMPLATE_KEY || leaf.endsWith(`/${TEMPLATE_KEY}`));
  const prefix = template?.slice(0, -TEMPLATE_KEY.length);
  return leaves.find((leaf) => {
    if (leaf === template || leaf === SCRIPT) return false;
    const key = prefix !== undefined && leaf.startsWith(prefix) ? leaf.slice(prefix.length) : '';
    return !isZipKey(key) && key !== JOBS_TEMPLATE_KEY;
  });
}

/** Lists the keys of all files. Other entries and empty folders get a suffix that no key has. */
function* listLeaves(folder: string, key = ''): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield `${key}${entry.name}`;
    else if (!entry.isDirectory()) yield `${key}${entry.name} (not a file)`;
    else if (readdirSync(path).length === 0) yield `${key}${entry.name}/ (empty)`;
    else yield* listLeaves(path, `${key}${entry.name}/`);
  }
}
