/** Which API are the tokens for? A name, not an address: nothing is ever fetched from it. RFC 8707. */
export const ORDERS = 'https://orders.example';
