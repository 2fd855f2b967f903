-- A place in the topic is given once.
select topic_offset, count(*) as times
from raw_data.users_topic
group by topic_offset
having count(*) > 1
