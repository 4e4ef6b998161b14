import { parseEcrHost } from '@soci/ecr';
import { escapeText } from '@soci/oci';
import { type CliIo, PROGRAM } from '../io.ts';

/** Host of Amazon ECR Public. */
const ECR_PUBLIC_HOST = 'public.ecr.aws';

/**
 * Returns the commands that log in to a registry, one on each line.
 *
 * @param host - The registry that rejects the credentials.
 * @param env - Environment, to say which AWS credentials are used.
 */
export function loginAdvice(host: string, env: CliIo['env']): string {
  const ecr = parseEcrHost(host);
  const isPublic = host.toLowerCase() === ECR_PUBLIC_HOST;
  const pipe = `docker login --username AWS --password-stdin ${host}`;
  if (ecr === undefined && !isPublic) {
    return [
      'Log in with one of these commands, or add --username NAME --password-stdin, or --authfile FILE:',
      `  docker login ${host}`,
      `  podman login ${host}`,
      `  aws ecr get-login-password | ${pipe}   (if it is Amazon ECR)`,
    ].join('\n');
  }
  const profile = env.AWS_PROFILE ? ` --profile ${quoteForShell(env.AWS_PROFILE)}` : '';
  const password =
    ecr === undefined
      ? `aws ecr-public get-login-password --region us-east-1${profile}`
      : `aws ecr get-login-password --region ${ecr.region}${profile}`;
  return [
    `For Amazon ECR, ${PROGRAM} uses ${describeAwsSource(env)}, then the credentials of docker and podman.`,
    'Log in to AWS with one of these commands:',
    `  aws sso login${profile}`,
    `  aws configure${profile}`,
    'Or log in to the registry with one of these:',
    `  ${password} | ${pipe}`,
    `  ${password} | ${pipe.replace('docker', 'podman')}`,
    `Or pass the password: ${password} | ${PROGRAM} ... --username AWS --password-stdin`,
  ].join('\n');
}

/** Quotes a word for a POSIX shell, if it needs quotes. Escapes what is not printable. */
function quoteForShell(word: string): string {
  return /^[\w.@/:+-]+$/.test(word) ? word : `'${escapeText(word).replaceAll("'", "'\\''")}'`;
}

/** Says where the AWS SDK looks for credentials first. @see AWS SDKs and Tools Reference Guide, "Credential providers" */
function describeAwsSource(env: CliIo['env']): string {
  if (env.AWS_PROFILE) return `the AWS credentials of the profile ${escapeText(env.AWS_PROFILE)} (AWS_PROFILE)`;
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) return 'the AWS credentials in AWS_ACCESS_KEY_ID';
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE) return 'the AWS role in AWS_ROLE_ARN (AWS_WEB_IDENTITY_TOKEN_FILE)';
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI)
    return 'the AWS role of this container';
  return 'the AWS credentials of the default profile, or the role of this machine (AWS_PROFILE is not set)';
}
