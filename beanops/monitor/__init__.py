"""Watch a server: the statistics of its tubes now (`sweep`) and over many looks (`survey`).

Also the last minute of their counts and rates (`rates`), their past in tiers (`history`, `past`), their next
jobs (`wait_times`), how long jobs wait and run (`times`), what is wrong and since when (`problems`), surveys over lost
connections (`reconnecting`), and several servers at once (`fleet`). Imports `client` and `protocol`; session and the
faces import this room. It changes nothing.
"""
