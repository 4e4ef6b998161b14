import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { DeploymentPackage } from './deployment-package.ts';

/** Writes a package to a folder, which it replaces: whole, or not at all. */
export function writePackage({ files }: DeploymentPackage, folder: string): void {
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  for (const [key, content] of files) {
    const path = join(unfinished, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

/** Uploads a package to a bucket, the template last. The AWS SDK finds credentials and the Region in its own way. */
export async function uploadPackage({ files }: DeploymentPackage, bucket: string): Promise<void> {
  const client = new S3Client({ followRegionRedirects: true });
  for (const [Key, Body] of files) {
    const ContentType = Key.endsWith('.json') ? 'application/json' : 'application/zip';
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType }));
  }
}
