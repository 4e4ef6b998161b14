import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { DeploymentPackage } from './deployment-package.ts';

/** Uploads a package to a bucket, the template last. The AWS SDK finds credentials and the Region in its own way. */
export async function uploadPackage({ files }: DeploymentPackage, bucket: string): Promise<void> {
  const client = new S3Client({ followRegionRedirects: true });
  for (const [Key, Body] of files) {
    const ContentType = Key.endsWith('.json') ? 'application/json' : 'application/zip';
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType }));
  }
}
