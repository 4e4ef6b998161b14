/** Whether an `Accept` takes a media type. One that is missing takes all. @see RFC 9110, section 12.5.1 */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  return header.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return false;
    return type === '*/*' || type === mediaType.toLowerCase() || type === `${mediaType.split('/')[0]}/*`;
  });
}
