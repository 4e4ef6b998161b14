// Replaces the default credential provider chain of the AWS SDK (@aws-sdk/credential-provider-node) in the bundles. Lambda
// passes the credentials of the function's role as environment variables. Profiles, SSO and instance metadata are not available.

/** Returns a provider that reads credentials from the environment variables that Lambda sets. */
export function defaultProvider() {
  return async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
    if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
      throw new Error(
        'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: set them to run the function outside of Lambda',
      );
    }
    return {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    };
  };
}
