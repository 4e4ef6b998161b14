import type { RootManifest } from './manifest.ts';
import type { ReleasedPackage } from './publish.ts';

/** Key prefix of the templates and the zips in the asset `cloudformation/`. */
const PREFIX = 'cfn-ecr-aws-soci-index-builder/';

/**
 * Returns the notes of a release as Markdown: its packages, and how to deploy its template. They have a quick-create link
 * of the CloudFormation console if `release.templateBucket` of the root package.json is set.
 *
 * @see CloudFormation User Guide, "Create quick-create links for stacks"
 * @throws Error if the field is not the address of a bucket.
 */
export function releaseNotes(packages: readonly ReleasedPackage[], root: RootManifest): string {
  const version = packages.find(({ name }) => name === '@soci/construct')?.version;
  const link = version === undefined ? undefined : quickCreateLink(version, root);
  return [
    ...packages.map(({ name, version }) => `- \`${name}@${version}\``),
    '',
    '## Deploy on AWS',
    '',
    link === undefined
      ? 'Unpack `cloudformation.tar.gz`, and run its script with the AWS CLI:'
      : `[Create the stack in the CloudFormation console](${link}), or use the AWS CLI:`,
    '',
    '```sh',
    'tar -xzf cloudformation.tar.gz',
    'sh cloudformation/deploy.sh',
    '```',
    '',
  ].join('\n');
}

/**
 * Returns the quick-create link for the template that a maintainer uploaded, in the Region of the bucket: Lambda reads the
 * zips only from its own Region. Undefined if no bucket is set.
 *
 * @param version - Version of `@soci/construct`, the folder in the bucket.
 * @throws Error if the field is not the address of a bucket.
 */
export function quickCreateLink(version: string, { release }: RootManifest): string | undefined {
  const { templateBucket } = release;
  if (!templateBucket) return undefined;
  const [, bucket = '', region = '', suffix = ''] =
    /^https:\/\/([a-z0-9.-]+)\.s3\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(templateBucket) ?? [];
  if (bucket === '') {
    throw new Error(
      `cannot use release.templateBucket "${templateBucket}" of package.json: not the address of a bucket. ` +
        'Run "npm pkg set release.templateBucket=https://BUCKET.s3.REGION.amazonaws.com".',
    );
  }
  const prefix = `${version}/${PREFIX}`;
  const parameters = new URLSearchParams({
    templateURL: `${templateBucket}/${prefix}templates/SociIndexBuilder.json`,
    stackName: 'soci',
    param_QSS3BucketName: bucket,
    param_QSS3KeyPrefix: prefix,
  });
  const console = suffix === '' ? `${region}.console.aws.amazon.com` : `${region}.console.amazonaws.cn`;
  return `https://${console}/cloudformation/home?region=${region}#/stacks/quickcreate?${parameters}`;
}
