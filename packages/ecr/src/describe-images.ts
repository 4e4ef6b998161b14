import type { DescribeImagesRequest, DescribeImagesResponse } from '@aws-sdk/client-ecr';
import type { EcrClient } from './aws-client.ts';
import type { SendOptions } from './ecr-api.ts';

/** Errors of services and emulators that do not know a parameter. */
const PARAMETER_REJECTED = ['InvalidParameterException', 'SerializationException', 'ValidationException'];

/** Calls DescribeImages. */
export type ImageDescriber = (
  client: EcrClient,
  input: DescribeImagesRequest,
  options: SendOptions,
) => Promise<DescribeImagesResponse>;

/**
 * Returns DescribeImages with archived images, which it hides by default. A service that does not know the filter has
 * no archived images, and is asked without it. An image that does not exist gives no images.
 */
export function imageDescriber(): ImageDescriber {
  let knowsStatus: boolean | undefined;
  const sendOnce: ImageDescriber = async ({ sdk, client }, input, options) => {
    try {
      return await client.send(new sdk.DescribeImagesCommand(input), options);
    } catch (error) {
      if ((error as Error).name === 'ImageNotFoundException') return { imageDetails: [] };
      throw error;
    }
  };
  return async (client, input, options) => {
    if (knowsStatus === false) return sendOnce(client, input, options);
    try {
      const output = await sendOnce(client, { ...input, filter: { imageStatus: 'ANY' } }, options);
      knowsStatus = true;
      return output;
    } catch (error) {
      if (knowsStatus || !PARAMETER_REJECTED.includes((error as Error).name)) throw error;
      const output = await sendOnce(client, input, options);
      knowsStatus = false;
      return output;
    }
  };
}

/** Reports whether an image with this status cannot be pulled. One that is being restored cannot be pulled yet. */
export function isArchivedStatus(imageStatus: string | undefined): boolean {
  return imageStatus !== undefined && imageStatus !== 'ACTIVE';
}
