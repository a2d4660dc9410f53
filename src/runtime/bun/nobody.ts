/**
 * What Bun is given as authorities when none are to be trusted: an empty list would mean its own
 * hundred and more public ones, and a certificate of any of them would then verify. This is an empty
 * revocation list of an issuer without a key: it trusts nobody, and no name of it is sent to clients.
 */
export const NOBODY = `-----BEGIN X509 CRL-----
MIGZME0CAQEwBQYDK2VwMBExDzANBgNVBAMMBm5vYm9keRcNMjYxMTIxMDkxNzM4
WhgPMjEyNjEwMjgwOTE3MzhaoA4wDDAKBgNVHRQEAwIBATAFBgMrZXADQQD4YeNG
fKFUx4PjbenMNGDrZm/J0rZoA3fijRER6V1mpHmM+CqRFFDRJKkQMoEXdsB7oNyq
0dMr4LJNK0swEa0B
-----END X509 CRL-----
`;
