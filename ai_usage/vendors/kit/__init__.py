"""What vendors' folders are made of; each piece has two users at least, and none is a vendor's.

`paginate` follows a list to its end by any of five ways of paging, `promises` says what its pages
must keep. `files` are what an answer links to, `buckets` are reports in days. `reading` turns
records into events, `event` stamps them and reads their money, `values` reads single values.
`saved` knows an answer that a person saved. `products` are rows of `dim_platforms`.
"""
